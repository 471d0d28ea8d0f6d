// OpenAI's own client against models that Fairlead runs itself: nothing is scripted behind these answers.
import assert from 'node:assert/strict';
import OpenAI from 'openai';
import { baseUrl, key, run } from './scenario.mjs';

const guide = 'fairlead/guide';
const folder = process.env.FOLDER_MODEL; // a small checkpoint with random weights
const caller = process.env.TOOL_MODEL; // the same weights with a template that knows tools
const encoder = process.env.ENCODER_MODEL; // empty where it is not on this machine
const client = new OpenAI({ baseURL: baseUrl, apiKey: key, maxRetries: 0 });
const what = [{ role: 'user', content: 'What is Fairlead?' }];
const known = 'Fairlead is an inference hub that you run yourself. One URL and one key stand in front of every model: it routes requests to many providers and also runs models on its own machine.';

const scenarios = {
  'the guide': async () => {
    const { data: answer, response } = await client.chat.completions.create({ model: guide, messages: what }).withResponse();
    assert.equal(answer.choices[0].message.content, known);
    assert.equal(answer.choices[0].finish_reason, 'stop');
    assert.equal(answer.usage.cost, 0);
    assert.equal(response.headers.get('x-fairlead-cost'), '0.000000000');
    assert.equal(response.headers.get('x-fairlead-provider'), 'fairlead');
    assert.match(answer.system_fingerprint, /^fp_/);
  },

  'its decision record': async () => {
    const { response } = await client.chat.completions.create({ model: guide, messages: what }).withResponse();
    const id = response.headers.get('x-fairlead-request-id');
    const record = await (await fetch(`${baseUrl}/requests/${id}`, { headers: { authorization: `Bearer ${key}` } })).json();
    assert.equal(record.cost_nano_usd, 0);
    assert.equal(record.end_reason, 'ok');
    assert.equal(record.usage.source, 'reported');
    assert.equal(record.usage.output_tokens, 38);
  },

  'the guide streamed': async () => {
    let text = '';
    let pieces = 0;
    let last;
    for await (const chunk of await client.chat.completions.create({ model: guide, messages: what, stream: true, stream_options: { include_usage: true } })) {
      const piece = chunk.choices[0]?.delta.content ?? '';
      text += piece;
      pieces += piece ? 1 : 0;
      last = chunk;
    }
    assert.equal(text, known);
    assert.ok(pieces > 20, `${pieces} pieces`);
    assert.deepEqual(last.choices, []);
    assert.equal(last.usage.completion_tokens, 38);
    assert.equal(last.usage.cost, 0);
  },

  'the guide within a schema': async () => {
    const answer = await client.chat.completions.create({
      model: guide,
      messages: what,
      response_format: {
        type: 'json_schema',
        json_schema: {
          name: 'fact', strict: true,
          schema: { type: 'object', properties: { topic: { type: 'string', maxLength: 40 }, sure: { type: 'boolean' } }, required: ['topic', 'sure'], additionalProperties: false },
        },
      },
    });
    const fact = JSON.parse(answer.choices[0].message.content);
    assert.deepEqual(Object.keys(fact).sort(), ['sure', 'topic']);
    assert.equal(typeof fact.topic, 'string');
    assert.equal(typeof fact.sure, 'boolean');
    return answer.choices[0].message.content;
  },

  'log-probabilities': async () => {
    const answer = await client.chat.completions.create({ model: guide, messages: what, logprobs: true, top_logprobs: 3, max_tokens: 5 });
    const tokens = answer.choices[0].logprobs.content;
    assert.equal(tokens.length, 5);
    assert.equal(tokens.map(t => t.token).join(''), answer.choices[0].message.content);
    for (const token of tokens) {
      assert.ok(token.logprob <= 0);
      assert.equal(token.top_logprobs.length, 3);
      assert.equal(token.top_logprobs[0].token, token.token); // greedy: the best is the one that was taken
      assert.equal(Buffer.from(token.bytes).toString(), token.token);
    }
    assert.equal(answer.choices[0].finish_reason, 'length');
  },

  'stop strings': async () => {
    const answer = await client.chat.completions.create({ model: guide, messages: what, stop: ['every model'] });
    assert.equal(answer.choices[0].message.content, known.slice(0, known.indexOf('every model')));
    assert.equal(answer.choices[0].finish_reason, 'stop');
  },

  'a folder': async () => {
    const answer = await client.chat.completions.create({ model: folder, messages: what, max_tokens: 12, seed: 1 });
    assert.equal(answer.model, folder);
    assert.ok(answer.usage.completion_tokens <= 12);
    assert.equal(answer.usage.cost, 0);
  },

  'a folder streamed': async () => {
    const request = { model: folder, messages: what, max_tokens: 12, temperature: 0 };
    let text = '';
    let finish;
    for await (const chunk of await client.chat.completions.create({ ...request, stream: true })) {
      text += chunk.choices[0]?.delta.content ?? '';
      finish ??= chunk.choices[0]?.finish_reason;
    }
    assert.equal(text, (await client.chat.completions.create(request)).choices[0].message.content);
    assert.ok(['stop', 'length'].includes(finish), finish);
  },

  'a tool that must be called': async () => {
    const request = {
      model: caller,
      messages: [{ role: 'user', content: 'How is the weather in Paris?' }],
      tools: [{ type: 'function', function: { name: 'weather', parameters: { type: 'object', properties: { city: { enum: ['Paris', 'London'] } }, required: ['city'], additionalProperties: false } } }],
      tool_choice: 'required',
      parallel_tool_calls: false,
    };
    const answer = await client.chat.completions.create(request);
    assert.equal(answer.choices[0].finish_reason, 'tool_calls');
    const [call] = answer.choices[0].message.tool_calls;
    assert.equal(call.function.name, 'weather');
    assert.ok(['Paris', 'London'].includes(JSON.parse(call.function.arguments).city), call.function.arguments);
    let name = '';
    let args = '';
    for await (const chunk of await client.chat.completions.create({ ...request, stream: true })) {
      for (const piece of chunk.choices[0]?.delta.tool_calls ?? []) {
        name += piece.function?.name ?? '';
        args += piece.function?.arguments ?? '';
      }
    }
    assert.equal(name, 'weather');
    assert.ok(['Paris', 'London'].includes(JSON.parse(args).city), args);
  },

  'a completion of token ids': async () => {
    const answer = await client.completions.create({ model: folder, prompt: [271, 338, 435], max_tokens: 4, temperature: 0, logprobs: 2 });
    assert.equal(answer.object, 'text_completion');
    assert.equal(answer.usage.prompt_tokens, 3);
    assert.equal(answer.choices[0].logprobs.tokens.length, answer.usage.completion_tokens);
  },
};
if (encoder) {
  scenarios.embeddings = async () => {
    // The client asks for base64 by itself and gives numbers.
    const answer = await client.embeddings.create({ model: encoder, input: ['A man is eating food.', 'A man is eating a piece of bread.', 'The girl is carrying a baby.'] });
    const dot = (a, b) => a.reduce((sum, v, i) => sum + v * b[i], 0);
    const [a, b, c] = answer.data.map(d => d.embedding);
    assert.ok(Math.abs(dot(a, b) - 0.755317) < 0.001, `${dot(a, b)}`); // what sentence-transformers finds
    assert.ok(Math.abs(dot(a, c) + 0.104989) < 0.001, `${dot(a, c)}`);
    assert.equal(answer.usage.cost, 0);
  };
}

await run('openai', scenarios);
