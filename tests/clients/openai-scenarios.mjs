// What both majors of OpenAI's own client promise; they differ in where `stream` and `parse` live, and in nothing else seen here.
import assert from 'node:assert/strict';
import * as s from './scenario.mjs';

const ask = (content, more = {}) => ({ model: s.chatModel, messages: [{ role: 'user', content }], ...more });

export function scenarios(OpenAI, helpers) {
  const make = (apiKey = s.key, more = {}) => new OpenAI({ baseURL: s.baseUrl, apiKey, maxRetries: 0, ...more });
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

    'comments while the model thinks': async () => {
      let text = '';
      for await (const chunk of await client.chat.completions.create(ask('Think first.', { stream: true })))
        text += chunk.choices[0].delta.content ?? '';
      assert.equal(text, 'Hello, wörld 👋');
      const mark = crypto.randomUUID();
      const raw = await s.silence(mark, await fetch(`${s.baseUrl}/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${s.key}`, 'content-type': 'application/json' },
        body: JSON.stringify(ask(`Wait for me, ${mark}.`, { stream: true })),
      }), /^: /);
      assert.match(raw, /^: /, 'no comment came, so this showed nothing');
      assert.match(raw, /data: \[DONE\]\n\n$/);
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

    'tools in two rounds': async () => {
      const asked = [];
      const runner = helpers(client).runTools(ask('How is the weather in Paris, then in London?', {
        tools: [{
          type: 'function',
          function: { name: 'weather', parameters: s.weather, parse: JSON.parse, function: ({ city }) => { asked.push(city); return `${city}: 21 degrees`; } },
        }],
      }));
      assert.equal(await runner.finalContent(), 'call_2 says: London: 21 degrees');
      assert.deepEqual(asked, ['Paris', 'London']);
    },

    'tools in three rounds, streamed': async () => {
      const asked = [];
      const runner = helpers(client).runTools(ask('How is the weather in Paris, then in London, then in Rome?', {
        stream: true,
        tools: [{
          type: 'function',
          function: { name: 'weather', parameters: s.weather, parse: JSON.parse, function: ({ city }) => { asked.push(city); return `${city}: 21 degrees`; } },
        }],
      }));
      assert.equal(await runner.finalContent(), 'call_3 says: Rome: 21 degrees');
      assert.deepEqual(asked, ['Paris', 'London', 'Rome']);
    },

    'two tools at once, streamed': async () => {
      const calls = [];
      for await (const chunk of await client.chat.completions.create(ask('How is the weather in both?', { tools: [s.weatherTool], stream: true }))) {
        for (const piece of chunk.choices[0]?.delta.tool_calls ?? []) {
          const call = calls[piece.index] ??= { id: '', arguments: '' };
          call.id += piece.id ?? '';
          call.arguments += piece.function?.arguments ?? '';
        }
      }
      assert.deepEqual(calls.map(c => [c.id, JSON.parse(c.arguments).city]), [['call_1', 'Paris'], ['call_2', 'London']]);
      const answer = await client.chat.completions.create(ask('', {
        messages: [
          { role: 'user', content: 'How is the weather in both?' },
          { role: 'assistant', tool_calls: calls.map(c => ({ id: c.id, type: 'function', function: { name: 'weather', arguments: c.arguments } })) },
          ...calls.map(c => ({ role: 'tool', tool_call_id: c.id, content: 'fine' })),
        ],
        tools: [s.weatherTool],
      }));
      assert.equal(answer.choices[0].message.content, 'call_2 says: fine');
    },

    'structured output streamed': async () => {
      const final = await helpers(client).stream(ask('A place, please.', {
        response_format: { type: 'json_schema', json_schema: { name: 'place', strict: true, schema: s.place } },
      })).finalChatCompletion();
      assert.deepEqual(JSON.parse(final.choices[0].message.content), { city: 'Paris', people: 2100000 });
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

    // Anthropic has no completions of the old kind.
    ...(s.spoken === 'openai' ? {
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
    } : {}),

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

    'refused field': async () => {
      const e = await s.failure(() => client.chat.completions.create(ask('Say hello.', { temperature: 9 })));
      assert.ok(e instanceof OpenAI.BadRequestError, `${e.constructor.name} ${e.message}`);
      assert.deepEqual([e.code, e.param, e.type], ['field_invalid', 'temperature', 'invalid_request_error']);
    },

    'budget spent': async () => {
      const fetch = s.counting();
      const e = await s.failure(() => make(s.poorKey, { fetch, maxRetries: 2 }).chat.completions.create(ask('Say hello.')));
      assert.ok(e instanceof OpenAI.APIError, `${e.constructor.name} ${e.message}`);
      assert.deepEqual([e.status, e.code, e.type, fetch.count], [402, 'budget_reached', 'insufficient_quota', 1]);
    },

    'somebody else as payer': async () => {
      const e = await s.failure(() => client.chat.completions.create(ask('Say hello.'), { headers: { 'X-HF-Bill-To': 'someorg' } }));
      assert.ok(e instanceof OpenAI.PermissionDeniedError, `${e.constructor.name} ${e.message}`);
      assert.equal(e.code, 'bill_to_not_allowed');
    },

    'one idempotency key twice': async () => {
      const headers = { 'Idempotency-Key': crypto.randomUUID() };
      const first = await client.chat.completions.create(ask('Go on for ever.', { stream: true }), { headers });
      const running = await s.failure(() => client.chat.completions.create(ask('Go on for ever.', { stream: true }), { headers }));
      assert.ok(running instanceof OpenAI.ConflictError, `${running.constructor.name} ${running.message}`);
      const other = await s.failure(() => client.chat.completions.create(ask('Something else.'), { headers }));
      assert.ok(other instanceof OpenAI.UnprocessableEntityError, `${other.constructor.name} ${other.message}`);
      first.controller.abort();
    },

    'provider limits the rate': async () => {
      const e = await s.failure(() => client.chat.completions.create({ ...ask('Say hello.'), model: s.limitedModel }));
      assert.ok(e instanceof OpenAI.RateLimitError, `${e.constructor.name} ${e.message}`);
      assert.equal(e.code, 'upstream_rate_limited');
      assert.ok(Number(e.headers.get?.('retry-after') ?? e.headers['retry-after']) > 0);
    },

    'body over the limit': async () => {
      const e = await s.failure(() => client.chat.completions.create(ask('x'.repeat(21 * 1024 * 1024))));
      assert.ok(e instanceof OpenAI.APIError, `${e.constructor.name} ${e.message}`);
      assert.deepEqual([e.status, e.code], [413, 'too_large']);
    },

    'retry of what may succeed': async () => {
      const fetch = s.counting();
      const answer = await make(s.key, { fetch, maxRetries: 2 }).chat.completions.create({ ...ask(`Once, ${crypto.randomUUID()}.`), model: s.flakyModel });
      assert.equal(answer.choices[0].message.content, 'Hello, wörld 👋');
      assert.equal(fetch.count, 2);
    },

    'no retry of what cannot': async () => {
      const fetch = s.counting();
      await s.failure(() => make(s.wrongKey, { fetch, maxRetries: 2 }).chat.completions.create(ask('Say hello.')));
      await s.failure(() => make(s.key, { fetch, maxRetries: 2 }).chat.completions.create({ ...ask('Say hello.'), model: 'nobody/nothing' }));
      assert.equal(fetch.count, 2);
    },

    'time-out': async () => {
      for (let timeout = 300, mark; !mark || !await s.hasArrived(mark); timeout *= 2) { // longer where a busy machine has not brought it to the provider in time
        mark = crypto.randomUUID();
        const e = await s.failure(() => client.chat.completions.create(ask(`Go on for ever, ${mark}.`), { timeout }));
        assert.ok(e instanceof OpenAI.APIConnectionTimeoutError, `${e.constructor.name} ${e.message}`);
      }
    },

    'abort of a whole answer': async () => {
      const stop = new AbortController();
      const mark = crypto.randomUUID();
      s.arrived(mark).then(() => stop.abort());
      const e = await s.failure(() => client.chat.completions.create(ask(`Go on for ever, ${mark}.`), { signal: stop.signal }));
      assert.ok(e instanceof OpenAI.APIUserAbortError, `${e.constructor.name} ${e.message}`);
    },

    'limit reached': async () => {
      const answer = await client.chat.completions.create(ask('Run out.'));
      assert.equal(answer.choices[0].finish_reason, 'length');
      const e = await s.failure(() => helpers(client).parse(ask('Run out.', {
        response_format: { type: 'json_schema', json_schema: { name: 'place', strict: true, schema: s.place } },
      })));
      assert.equal(e.constructor.name, 'LengthFinishReasonError');
    },

    'filtered content': async () => {
      const e = await s.failure(() => helpers(client).parse(ask('Say something bad.', {
        response_format: { type: 'json_schema', json_schema: { name: 'place', strict: true, schema: s.place } },
      })));
      assert.equal(e.constructor.name, 'ContentFilterFinishReasonError');
    },

    'nobody there': async () => {
      const e = await s.failure(() => make(s.key, { baseURL: 'http://127.0.0.1:9/v1' }).models.list());
      assert.ok(e instanceof OpenAI.APIConnectionError, `${e.constructor.name} ${e.message}`);
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
