// What both majors of OpenAI's own client promise; they differ in where `stream` and `parse` live, and in nothing else seen here.
import assert from 'node:assert/strict';
import * as s from './scenario.mjs';

const ask = (content, more = {}) => ({ model: s.chatModel, messages: [{ role: 'user', content }], ...more });

export function scenarios(OpenAI, helpers) {
  const make = (apiKey = s.key) => new OpenAI({ baseURL: s.baseUrl, apiKey, maxRetries: 0 });
  const client = make();

  return {
    'chat': async () => {
      const { data: answer, response } = await client.chat.completions.create(ask('Say hello.')).withResponse();
      assert.equal(answer.object, 'chat.completion');
      assert.equal(answer.choices[0].message.role, 'assistant');
      assert.equal(answer.choices[0].message.content, 'Hello, wörld 👋');
      assert.equal(answer.choices[0].finish_reason, 'stop');
      assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens);
      assert.equal(answer.usage.cost, 0.000022); // 12 tokens at $1/M, 5 at $2/M
      assert.match(response.headers.get('x-request-id'), /^req_/);
      assert.equal(answer._request_id, response.headers.get('x-request-id'));
      return answer.model;
    },

    'stream': async () => {
      let text = '';
      let finish;
      let usage = 0;
      for await (const chunk of await client.chat.completions.create(ask('Say hello.', { stream: true }))) {
        assert.equal(chunk.object, 'chat.completion.chunk');
        text += chunk.choices[0]?.delta.content ?? '';
        finish ??= chunk.choices[0]?.finish_reason;
        usage += chunk.usage ? 1 : 0;
      }
      assert.equal(text, 'Hello, wörld 👋');
      assert.equal(finish, 'stop');
      assert.equal(usage, 0, 'usage came though nobody asked for it');
    },

    'stream with usage': async () => {
      let last;
      let text = '';
      for await (const chunk of await client.chat.completions.create(ask('Say hello.', { stream: true, stream_options: { include_usage: true } }))) {
        text += chunk.choices[0]?.delta.content ?? '';
        last = chunk;
      }
      assert.equal(text, 'Hello, wörld 👋');
      assert.deepEqual(last.choices, []);
      assert.equal(last.usage.prompt_tokens, 12);
      assert.equal(last.usage.completion_tokens, 5);
      assert.equal(last.usage.cost, 0.000022);
    },

    'stream helper': async () => {
      const runner = helpers(client).stream(ask('Say hello.', { stream_options: { include_usage: true } }));
      let deltas = 0;
      runner.on('content', () => deltas++);
      const final = await runner.finalChatCompletion();
      assert.equal(final.choices[0].message.content, 'Hello, wörld 👋');
      assert.ok(deltas > 1, `${deltas} deltas`);
      assert.equal((await runner.totalUsage()).total_tokens, 17);
    },

    'tool round trip': async () => {
      const request = ask('How is the weather in Paris?', { tools: [s.weatherTool], tool_choice: 'auto' });
      const first = await client.chat.completions.create(request);
      assert.equal(first.choices[0].finish_reason, 'tool_calls');
      const [call] = first.choices[0].message.tool_calls;
      assert.equal(call.function.name, 'weather');
      assert.deepEqual(JSON.parse(call.function.arguments), { city: 'Paris' });
      const second = await client.chat.completions.create({
        ...request,
        messages: [...request.messages, first.choices[0].message, { role: 'tool', tool_call_id: call.id, content: '21 degrees' }],
      });
      assert.equal(second.choices[0].message.content, `${call.id} says: 21 degrees`);
    },

    'tool round trip streamed': async () => {
      const request = ask('How is the weather in Paris?', { tools: [s.weatherTool], stream: true });
      const call = { id: '', name: '', arguments: '' };
      let finish;
      for await (const chunk of await client.chat.completions.create(request)) {
        for (const piece of chunk.choices[0]?.delta.tool_calls ?? []) {
          assert.equal(piece.index, 0);
          call.id ||= piece.id ?? '';
          call.name ||= piece.function?.name ?? '';
          call.arguments += piece.function?.arguments ?? '';
        }
        finish ??= chunk.choices[0]?.finish_reason;
      }
      assert.equal(finish, 'tool_calls');
      assert.equal(call.name, 'weather');
      assert.deepEqual(JSON.parse(call.arguments), { city: 'Paris' });
      let text = '';
      const messages = [
        ...request.messages,
        { role: 'assistant', content: null, tool_calls: [{ id: call.id, type: 'function', function: { name: call.name, arguments: call.arguments } }] },
        { role: 'tool', tool_call_id: call.id, content: '21 degrees' },
      ];
      for await (const chunk of await client.chat.completions.create({ ...request, messages }))
        text += chunk.choices[0]?.delta.content ?? '';
      assert.equal(text, `${call.id} says: 21 degrees`);
    },

    'run tools helper': async () => {
      let asked;
      const runner = helpers(client).runTools(ask('How is the weather in Paris?', {
        stream: true,
        tools: [{
          type: 'function',
          function: { name: 'weather', parameters: s.weather, parse: JSON.parse, function: ({ city }) => { asked = city; return '21 degrees'; } },
        }],
      }));
      assert.match(await runner.finalContent(), /says: 21 degrees$/);
      assert.equal(asked, 'Paris');
    },

    'structured output': async () => {
      const answer = await helpers(client).parse(ask('A place, please.', {
        response_format: { type: 'json_schema', json_schema: { name: 'place', strict: true, schema: s.place } },
      }));
      assert.deepEqual(JSON.parse(answer.choices[0].message.content), { city: 'Paris', people: 2100000 });
    },

    'image part': async () => {
      const answer = await client.chat.completions.create({
        model: s.chatModel,
        messages: [{ role: 'user', content: [{ type: 'text', text: 'What is this?' }, { type: 'image_url', image_url: { url: s.dot, detail: 'low' } }] }],
      });
      assert.equal(answer.choices[0].message.content, `An image of ${s.dot.length} characters`);
    },

    'embeddings': async () => {
      // Without encoding_format this client asks for base64 by itself and decodes what comes.
      const answer = await client.embeddings.create({ model: s.embeddingModel, input: ['one', 'two'] });
      assert.equal(answer.data.length, 2);
      assert.deepEqual(Array.from(answer.data[0].embedding), [0.25, -1.5, 3]);
      assert.deepEqual(answer.data.map(d => d.index), [0, 1]);
      assert.equal(answer.usage.total_tokens, 4);
    },

    'embeddings as floats': async () => {
      const answer = await client.embeddings.create({ model: s.embeddingModel, input: 'one', encoding_format: 'float' });
      assert.deepEqual(answer.data[0].embedding, [0.25, -1.5, 3]);
    },

    'embeddings as base64': async () => {
      const answer = await client.embeddings.create({ model: s.embeddingModel, input: 'one', encoding_format: 'base64' });
      assert.deepEqual([...new Float32Array(Uint8Array.from(Buffer.from(answer.data[0].embedding, 'base64')).buffer)], [0.25, -1.5, 3]);
    },

    'legacy completions': async () => {
      const answer = await client.completions.create({ model: s.chatModel, prompt: 'Once' });
      assert.equal(answer.object, 'text_completion');
      assert.equal(answer.choices[0].text, 'Once upon a time');
      assert.equal(answer.choices[0].finish_reason, 'stop');
    },

    'legacy completions streamed': async () => {
      let text = '';
      for await (const chunk of await client.completions.create({ model: s.chatModel, prompt: 'Once', stream: true }))
        text += chunk.choices[0]?.text ?? '';
      assert.equal(text, 'Once upon a time');
    },

    'wrong key': async () => {
      const e = await s.failure(() => make(s.wrongKey).chat.completions.create(ask('Say hello.')));
      assert.ok(e instanceof OpenAI.AuthenticationError, `${e.constructor.name} ${e.message}`);
      assert.equal(e.status, 401);
      assert.equal(e.code, 'key_unknown');
      return `${e.type} ${e.code}`;
    },

    'unknown model': async () => {
      const e = await s.failure(() => client.chat.completions.create({ ...ask('Say hello.'), model: 'nobody/nothing' }));
      // 400, not OpenAI's 404: docs/decisions/0003-status-for-an-unknown-model.md
      assert.ok(e instanceof OpenAI.BadRequestError, `${e.constructor.name} ${e.message}`);
      assert.equal(e.code, 'model_not_found');
      assert.equal(e.param, 'model');
      return e.message;
    },

    'unknown model streamed': async () => {
      const e = await s.failure(() => client.chat.completions.create({ ...ask('Say hello.', { stream: true }), model: 'nobody/nothing' }));
      assert.ok(e instanceof OpenAI.BadRequestError, `${e.constructor.name} ${e.message}`);
      assert.equal(e.code, 'model_not_found');
    },

    'route that is not served': async () => {
      const e = await s.failure(() => client.responses.create({ model: s.chatModel, input: 'Say hello.' }));
      assert.ok(e instanceof OpenAI.NotFoundError, `${e.constructor.name} ${e.message}`);
      return e.message;
    },

    'provider refuses the request': async () => {
      const e = await s.failure(() => client.chat.completions.create(ask('Refuse this.')));
      assert.ok(e instanceof OpenAI.BadRequestError, `${e.constructor.name} ${e.message}`);
      assert.match(e.message, /The temperature is too high/);
      return `${e.code} ${e.message}`;
    },

    'provider out of order': async () => {
      const e = await s.failure(() => client.chat.completions.create({ ...ask('Say hello.'), model: s.brokenModel }));
      assert.ok(e instanceof OpenAI.InternalServerError, `${e.constructor.name} ${e.message}`);
      assert.equal(e.code, 'upstream_status');
      assert.match(e.message, /Out of order\. Not charged\./);
      return e.message;
    },

    'error in mid-stream': async () => {
      let text = '';
      const e = await s.failure(async () => {
        for await (const chunk of await client.chat.completions.create(ask('Break off.', { stream: true })))
          text += chunk.choices[0]?.delta.content ?? '';
      });
      assert.equal(text, 'Half an ');
      assert.ok(e instanceof OpenAI.APIError, `${e.constructor.name} ${e.message}`);
      assert.equal(e.code, 'upstream_truncated');
      return e.message;
    },

    'abort in mid-stream': async () => {
      const stop = new AbortController();
      const stream = await client.chat.completions.create(ask('Go on for ever.', { stream: true }), { signal: stop.signal });
      let text = '';
      for await (const chunk of stream) {
        text += chunk.choices[0]?.delta.content ?? '';
        if (text)
          stop.abort();
      }
      assert.equal(text, 'and ');
    },

    'break out of a stream': async () => {
      const stream = await client.chat.completions.create(ask('Go on for ever.', { stream: true }));
      for await (const chunk of stream) {
        if (chunk.choices[0]?.delta.content)
          break;
      }
      assert.ok(stream.controller.signal.aborted);
    },

    'models': async () => {
      const seen = [];
      for await (const model of client.models.list())
        seen.push(model.id);
      assert.ok(seen.includes(s.chatModel) && seen.includes(s.embeddingModel), seen.join());
      return seen.join();
    },

    'model with a slash': async () => {
      const model = await client.models.retrieve(s.chatModel);
      assert.equal(model.id, s.chatModel);
      assert.equal(model.object, 'model');
      assert.equal(typeof model.created, 'number');
      assert.equal(model.owned_by, 'tiny');
    },

    'unknown model retrieved': async () => {
      const e = await s.failure(() => client.models.retrieve('nobody/nothing'));
      assert.ok(e instanceof OpenAI.NotFoundError, `${e.constructor.name} ${e.message}`);
    },
  };
}
