import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { scenarios } from './vercel-ai-scenarios.mjs';
import * as s from './scenario.mjs';

const make = (apiKey, fetch = globalThis.fetch) => createOpenAICompatible({ name: 'fairlead', baseURL: s.baseUrl, apiKey, fetch, includeUsage: true, supportsStructuredOutputs: true });

// A provider of Anthropic's dialect has neither embeddings nor completions of the old kind.
const openai = s.spoken === 'openai';
await s.run('vercel-ai', scenarios(make, { embeddings: openai, completions: openai }));
