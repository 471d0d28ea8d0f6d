import OpenAI from 'openai';
import { scenarios } from './openai-scenarios.mjs';
import { run } from './scenario.mjs';

await run('openai', scenarios(OpenAI, client => client.chat.completions));
