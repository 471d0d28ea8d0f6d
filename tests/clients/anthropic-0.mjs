import Anthropic from 'anthropic-0';
import { scenarios } from './anthropic-scenarios.mjs';
import { run } from './scenario.mjs';

await run('anthropic-0', scenarios(Anthropic, { version: '2023-06-01', named: false }));
