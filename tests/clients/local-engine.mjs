// OpenAI's own client against a real llama-server that the gateway starts, with the guide's weights behind it.
import assert from 'node:assert/strict';
import OpenAI from 'openai';
import { baseUrl, failure, key, run } from './scenario.mjs';

const model = process.env.MODEL;
const client = new OpenAI({ baseURL: baseUrl, apiKey: key, maxRetries: 0 });
const messages = [{ role: 'user', content: 'What is Fairlead?' }];
const known = 'Fairlead is an inference hub that you run yourself.';

await run('openai', {
  'a cold answer': async () => {
    const { data: answer, response } = await client.chat.completions.create({ model, messages, temperature: 0 }).withResponse();
    assert.ok(answer.choices[0].message.content.startsWith(known), answer.choices[0].message.content);
    assert.equal(answer.model, model);
    assert.equal(answer.usage.completion_tokens, 38);
    assert.equal(response.headers.get('x-fairlead-provider'), 'local');
  },

  'a stream': async () => {
    let text = '';
    let usage;
    let finish;
    for await (const chunk of await client.chat.completions.create({ model, messages, temperature: 0, stream: true, stream_options: { include_usage: true } })) {
      text += chunk.choices[0]?.delta.content ?? '';
      finish ??= chunk.choices[0]?.finish_reason;
      usage = chunk.usage ?? usage;
    }
    assert.ok(text.startsWith(known), text);
    assert.equal(finish, 'stop');
    assert.equal(usage.completion_tokens, 38);
  },

  'a completion': async () => {
    const answer = await client.completions.create({ model, prompt: '<|bos|><|user|>What is Fairlead?<|end|><|assistant|>', max_tokens: 12, temperature: 0 });
    assert.ok(known.startsWith(answer.choices[0].text.trim().slice(0, 20)), answer.choices[0].text);
  },

  'many at once': async () => {
    const answers = await Promise.all(Array.from({ length: 12 }, () => client.chat.completions.create({ model, messages, temperature: 0 }))); // more than it has slots
    for (const answer of answers)
      assert.ok(answer.choices[0].message.content.startsWith(known), answer.choices[0].message.content);
  },

  "the engine's own refusal": async () => {
    const e = await failure(() => client.chat.completions.create({ model, messages: [{ role: 'user', content: 'provider '.repeat(3000) }] }));
    assert.equal(e.status, 400, e.message);
    assert.equal(e.code, 'context_length_exceeded', e.message);
  },
});
