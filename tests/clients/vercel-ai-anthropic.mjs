import { createAnthropic } from '@ai-sdk/anthropic';
import { scenarios } from './vercel-ai-scenarios.mjs';
import * as s from './scenario.mjs';

const make = (apiKey, fetch = globalThis.fetch) => createAnthropic({ baseURL: s.baseUrl, apiKey, fetch });

// Of a model that it does not know by name it asks a tool where others send a schema.
await s.run('vercel-ai-anthropic', scenarios(make, { structured: false, unknownModel: 404 }));
