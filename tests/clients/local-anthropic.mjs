// Anthropic's own client against models that Fairlead runs itself: nothing is scripted behind these answers.
import assert from 'node:assert/strict';
import Anthropic from '@anthropic-ai/sdk';
import { baseUrl, key, run } from './scenario.mjs';

const guide = 'fairlead/guide';
const folder = process.env.FOLDER_MODEL; // a small checkpoint with random weights
const caller = process.env.TOOL_MODEL; // the same weights with a template that knows tools
const client = new Anthropic({ baseURL: baseUrl.replace(/\/v1\/?$/, ''), apiKey: key, maxRetries: 0 });
const what = [{ role: 'user', content: 'What is Fairlead?' }];
const known = 'Fairlead is an inference hub that you run yourself. One URL and one key stand in front of every model: it routes requests to many providers and also runs models on its own machine.';
const ask = (model, more = {}) => ({ model, max_tokens: 200, messages: what, ...more });
const weather = { name: 'weather', input_schema: { type: 'object', properties: { city: { enum: ['Paris', 'London'] } }, required: ['city'], additionalProperties: false } };

await run('anthropic', {
  'the guide': async () => {
    const { data: message, response } = await client.messages.create(ask(guide)).withResponse();
    assert.deepEqual(message.content.map(b => [b.type, b.text]), [['text', known]]);
    assert.equal(message.stop_reason, 'end_turn');
    assert.equal(message.usage.output_tokens, 38);
    assert.equal(message.usage.cost, 0);
    assert.equal(response.headers.get('x-fairlead-provider'), 'fairlead');
  },

  'the guide streamed': async () => {
    const stream = client.messages.stream(ask(guide));
    let pieces = 0;
    stream.on('text', () => pieces++);
    const message = await stream.finalMessage();
    assert.equal(message.content[0].text, known);
    assert.ok(pieces > 20, `${pieces} pieces`);
    assert.equal(message.usage.output_tokens, 38);
  },

  'the guide within a schema': async () => {
    const message = await client.messages.create(ask(guide, { output_config: { format: {
      type: 'json_schema',
      schema: { type: 'object', properties: { topic: { type: 'string', maxLength: 40 }, sure: { type: 'boolean' } }, required: ['topic', 'sure'], additionalProperties: false },
    } } }));
    assert.deepEqual(Object.keys(JSON.parse(message.content[0].text)).sort(), ['sure', 'topic']);
  },

  'stop sequences and limits': async () => {
    const stopped = await client.messages.create(ask(guide, { stop_sequences: ['every model'] }));
    assert.equal(stopped.content[0].text, known.slice(0, known.indexOf('every model')));
    assert.equal((await client.messages.create(ask(guide, { max_tokens: 3 }))).stop_reason, 'max_tokens');
  },

  'a folder': async () => {
    const message = await client.messages.create(ask(folder, { max_tokens: 12 }));
    assert.ok(message.usage.output_tokens <= 12);
    assert.equal(message.usage.cost, 0);
  },

  'a tool that must be called': async () => {
    for (const tool_choice of [{ type: 'any', disable_parallel_tool_use: true }, { type: 'tool', name: 'weather', disable_parallel_tool_use: true }]) {
      const request = ask(caller, { messages: [{ role: 'user', content: 'How is the weather in Paris?' }], tools: [weather], tool_choice });
      for (const message of [await client.messages.create(request), await client.messages.stream(request).finalMessage()]) {
        assert.equal(message.stop_reason, 'tool_use');
        const [call] = message.content.filter(b => b.type === 'tool_use');
        assert.equal(call.name, 'weather');
        assert.ok(['Paris', 'London'].includes(call.input.city), JSON.stringify(call));
        const after = await client.messages.create({
          ...request,
          tool_choice: { type: 'none' },
          messages: [...request.messages, { role: 'assistant', content: message.content }, { role: 'user', content: [{ type: 'tool_result', tool_use_id: call.id, content: '21 degrees' }] }],
        });
        assert.ok(['end_turn', 'max_tokens'].includes(after.stop_reason), after.stop_reason); // what it says is the weights' business, and they are random
      }
    }
  },

  'tokens counted': async () => {
    const { input_tokens: counted } = await client.messages.countTokens({ model: guide, messages: what });
    assert.ok(counted > 0 && counted < 200, `${counted}`);
  },
});
