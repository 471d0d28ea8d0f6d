import OpenAI from 'openai-4';
import { scenarios } from './openai-scenarios.mjs';
import { run } from './scenario.mjs';

await run('openai-4', scenarios(OpenAI, client => client.beta.chat.completions));
