import Anthropic from '@anthropic-ai/sdk';
import { scenarios } from './anthropic-scenarios.mjs';
import { run } from './scenario.mjs';

await run('anthropic', scenarios(Anthropic, { version: '2026-10-21', named: true }));
