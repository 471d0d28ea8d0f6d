// What both living generations of Anthropic's own client promise. `named`: it has a class for each status, the older one has fewer.
import assert from 'node:assert/strict';
import * as s from './scenario.mjs';

const ask = (content, more = {}) => ({ model: s.chatModel, max_tokens: 100, messages: [{ role: 'user', content }], ...more });
const weatherTool = { name: 'weather', description: 'The weather of a city.', input_schema: s.weather };
const texts = message => message.content.filter(b => b.type === 'text').map(b => b.text).join('');
const [, pixel] = s.dot.split(',');

/** Calls `act` until no tool is asked for, and answers each call; how the model was asked is what differs. */
async function loop(question, act, more = {}) {
  const messages = [{ role: 'user', content: question }];
  const cities = [];
  for (let round = 0; round < 6; round++) {
    const message = await act({ ...ask(''), ...more, messages, tools: [weatherTool] });
    if (message.stop_reason !== 'tool_use')
      return { message, cities, round };
    const calls = message.content.filter(b => b.type === 'tool_use');
    cities.push(...calls.map(c => c.input.city));
    messages.push(
      { role: 'assistant', content: message.content },
      { role: 'user', content: calls.map(c => ({ type: 'tool_result', tool_use_id: c.id, content: `${c.input.city}: 21 degrees` })) });
  }
  throw new Error('the model never stopped calling');
}

export function scenarios(Anthropic, { version, named }) {
  const root = s.baseUrl.replace(/\/v1\/?$/, '');
  const make = (key = s.key, more = {}) => new Anthropic({ baseURL: root, apiKey: key, maxRetries: 0, ...more });
  const client = make();
  const translated = s.spoken !== 'anthropic';
  const fails = async (class_, act) => {
    const e = await s.failure(act);
    assert.ok(e instanceof (Anthropic[class_] ?? Anthropic.APIError), `${e.constructor.name} ${e.message}`);
    return e;
  };

  return {
    'message': async () => {
      const { data: message, response } = await client.messages.create(ask('Say hello.')).withResponse();
      assert.equal(message.type, 'message');
      assert.equal(message.role, 'assistant');
      assert.deepEqual(message.content.map(b => [b.type, b.text]), [['text', 'Hello, wörld 👋']]);
      assert.equal(message.stop_reason, 'end_turn');
      assert.equal(message.stop_sequence, null);
      const { input_tokens: plain, cache_creation_input_tokens: written, cache_read_input_tokens: read, output_tokens: output, cost } = message.usage;
      assert.deepEqual([plain + (written ?? 0) + (read ?? 0), output], [12, 5]); // each token of the input is told once
      assert.equal(cost, 0.000022); // 12 tokens at $1/M, 5 at $2/M
      assert.match(message.id, /^msg_/);
      assert.match(response.headers.get('request-id'), /^req_/);
      assert.equal(message._request_id, response.headers.get('request-id'));
      assert.equal(response.headers.get('x-fairlead-cost'), '0.000022000');
      return message.model;
    },

    'version of this generation': async () => {
      let sent;
      const spy = make(s.key, { fetch: (url, init) => { sent = new Headers(init.headers).get('anthropic-version'); return fetch(url, init); } });
      await spy.messages.create(ask('Say hello.'));
      assert.equal(sent, version);
    },

    'key as bearer and as x-api-key': async () => {
      for (const headers of [{ authorization: `Bearer ${s.key}` }, { 'x-api-key': s.key }, { authorization: `Bearer ${s.key}`, 'x-api-key': s.key }]) {
        const answer = await fetch(`${root}/v1/messages`, { method: 'POST', headers: { ...headers, 'content-type': 'application/json', 'anthropic-version': '2099-01-01' }, body: JSON.stringify(ask('Say hello.')) });
        assert.equal(answer.status, 200, await answer.text());
      }
    },

    'stream': async () => {
      let text = '';
      const seen = [];
      let usage;
      for await (const event of await client.messages.create(ask('Say hello.', { stream: true }))) {
        seen.push(event.type);
        if (event.type === 'content_block_delta')
          text += event.delta.text;
        if (event.type === 'message_delta') {
          assert.equal(event.delta.stop_reason, 'end_turn');
          usage = event.usage;
        }
      }
      assert.equal(text, 'Hello, wörld 👋');
      assert.equal(usage.output_tokens, 5);
      assert.equal(usage.cost, 0.000022);
      assert.deepEqual([seen[0], seen.at(-2), seen.at(-1)], ['message_start', 'message_delta', 'message_stop']);
      assert.ok(seen.filter(t => t === 'content_block_delta').length > 1, 'the answer came in one piece');
    },

    'stream helper': async () => {
      const stream = client.messages.stream(ask('Say hello.'));
      let pieces = 0;
      stream.on('text', () => pieces++);
      const message = await stream.finalMessage();
      assert.equal(texts(message), 'Hello, wörld 👋');
      assert.ok(pieces > 1, `${pieces} pieces`);
      assert.equal(message.stop_reason, 'end_turn');
      assert.equal(message.usage.output_tokens, 5);
      assert.equal(message.usage.input_tokens + (message.usage.cache_creation_input_tokens ?? 0) + (message.usage.cache_read_input_tokens ?? 0), 12);
    },

    'silence is filled': async () => {
      assert.equal(texts(await client.messages.stream(ask('Think first.')).finalMessage()), 'Hello, wörld 👋');
      const mark = crypto.randomUUID(), filled = /^(: |event: ping\n)/;
      const raw = await s.silence(mark, await fetch(`${root}/v1/messages`, {
        method: 'POST', headers: { 'x-api-key': s.key, 'content-type': 'application/json', 'anthropic-version': version }, body: JSON.stringify(ask(`Wait for me, ${mark}.`, { stream: true })),
      }), filled);
      assert.match(raw, filled, 'nothing came, so this showed nothing');
      assert.match(raw, /event: message_stop\n/);
      assert.doesNotMatch(raw, /\[DONE\]/);
    },

    'system as text and as blocks': async () => {
      assert.equal(texts(await client.messages.create(ask('Who are you?', { system: 'You are a lighthouse.' }))), 'You are a lighthouse.');
      const blocks = [{ type: 'text', text: 'You are', cache_control: { type: 'ephemeral' } }, { type: 'text', text: 'a lighthouse.' }];
      assert.match(texts(await client.messages.create(ask('Who are you?', { system: blocks }))), /^You are\s+a lighthouse\.$/);
    },

    'tools in three rounds': async () => {
      const { message, cities, round } = await loop('How is the weather in Paris, then in London, then in Rome?', body => client.messages.create(body));
      assert.deepEqual([cities, round], [['Paris', 'London', 'Rome'], 3]);
      assert.equal(texts(message), 'call_3 says: Rome: 21 degrees');
    },

    'tools in three rounds, streamed': async () => {
      const { message, cities } = await loop('How is the weather in Paris, then in London, then in Rome?', body => client.messages.stream(body).finalMessage());
      assert.deepEqual(cities, ['Paris', 'London', 'Rome']);
      assert.equal(texts(message), 'call_3 says: Rome: 21 degrees');
    },

    'two tools at once': async () => {
      const { message, cities, round } = await loop('How is the weather in both?', body => client.messages.create(body));
      assert.deepEqual([cities, round], [['Paris', 'London'], 1]);
      assert.equal(texts(message), 'call_2 says: London: 21 degrees');
    },

    'two tools at once, streamed': async () => {
      const indices = [];
      const { cities } = await loop('How is the weather in both?', async body => {
        const stream = client.messages.stream(body);
        stream.on('streamEvent', event => { if (event.type === 'content_block_start') indices.push(event.index); });
        return stream.finalMessage();
      });
      assert.deepEqual(cities, ['Paris', 'London']);
      assert.deepEqual(indices, [0, 1, 0]); // two calls, then one text
    },

    'tool choices': async () => {
      for (const tool_choice of [{ type: 'auto' }, { type: 'any' }, { type: 'tool', name: 'weather' }, { type: 'auto', disable_parallel_tool_use: true }]) {
        const message = await client.messages.create(ask('How is the weather in Paris?', { tools: [weatherTool], tool_choice }));
        assert.equal(message.stop_reason, 'tool_use');
      }
    },

    'a result that is an error': async () => {
      const messages = [
        { role: 'user', content: 'How is the weather in Paris?' },
        { role: 'assistant', content: [{ type: 'tool_use', id: 'call_1', name: 'weather', input: { city: 'Paris' } }] },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'call_1', is_error: true, content: [{ type: 'text', text: 'no such city' }] }] },
      ];
      assert.match(texts(await client.messages.create({ ...ask(''), messages, tools: [weatherTool] })), /^call_1 says: .*no such city$/);
    },

    'image': async () => {
      const message = await client.messages.create(ask([
        { type: 'text', text: 'What is this?' },
        { type: 'image', source: { type: 'base64', media_type: 'image/png', data: pixel } },
      ]));
      assert.equal(texts(message), `An image of ${s.dot.length} characters`);
    },

    'structured output': async () => {
      const message = await client.messages.create(ask('A place, please.', { output_config: { format: { type: 'json_schema', schema: s.place } } }));
      assert.deepEqual(JSON.parse(texts(message)), { city: 'Paris', people: 2100000 });
    },

    'structured output parsed': async () => {
      const message = await client.messages.parse(ask('A place, please.', { output_config: { format: { type: 'json_schema', schema: s.place, parse: JSON.parse } } }));
      assert.deepEqual(JSON.parse(texts(message)), { city: 'Paris', people: 2100000 });
    },

    ...(translated ? {} : {
      'thinking with its signature': async () => {
        const stream = client.messages.stream(ask('Say hello.', { thinking: { type: 'enabled', budget_tokens: 1024 }, max_tokens: 2000 }));
        const message = await stream.finalMessage();
        assert.deepEqual(message.content.map(b => b.type), ['thinking', 'text']);
        assert.equal(message.content[0].thinking, 'Let me see.');
        assert.ok(message.content[0].signature.length > 10);
      },

      'thinking through a tool loop': async () => {
        const { cities } = await loop('How is the weather in Paris, then in London, then in Rome?', body => client.messages.create(body), { thinking: { type: 'adaptive' } });
        assert.deepEqual(cities, ['Paris', 'London', 'Rome']); // the provider refuses a signature that was lost
      },

      'errors of every type': async () => {
        // Each at a provider of its own: what one error teaches about it must not answer for the next. The others have scenarios below.
        for (const [model, words, status, type, class_] of [
          ['tiny/claude-long', '400 invalid_request_error prompt is too long: 300000 tokens > 200000 maximum', 400, 'invalid_request_error', 'BadRequestError'],
          ['tiny/claude-large', '413 request_too_large Request exceeds the maximum size', 413, 'request_too_large', 'ContentTooLargeError'],
          ['tiny/claude-gone', '404 not_found_error model: claude-gone', 404, 'not_found_error', 'NotFoundError'],
          ['tiny/claude-busy', '529 overloaded_error Overloaded', 529, 'overloaded_error', 'OverloadedError'],
        ]) {
          const e = await s.failure(() => client.messages.create(ask(`Fail with ${words}`, { model })));
          assert.ok(e instanceof Anthropic.APIError, `${words}: ${e.constructor.name}`);
          assert.deepEqual([e.status, e.error?.error?.type], [status, type], `${words}: ${e.message}`);
          if (named)
            assert.equal(e.constructor.name, class_);
        }
      },

      'error event in mid-stream': async () => {
        let text = '';
        const e = await fails('APIError', async () => {
          for await (const event of await client.messages.create(ask('Fall over.', { stream: true })))
            text += event.delta?.text ?? '';
        });
        assert.equal(text, 'Half an ');
        assert.match(e.message, /upstream|Overloaded/i);
      },
    }),

    'count tokens': async () => {
      const { data, response } = await client.messages.countTokens({ model: s.chatModel, messages: [{ role: 'user', content: 'Say hello.' }] }).withResponse();
      assert.ok(data.input_tokens > 0);
      assert.equal(response.headers.get('x-fairlead-estimated'), translated ? 'true' : null);
      if (!translated)
        assert.equal(data.input_tokens, 42);
    },

    'models': async () => {
      const ids = [];
      for await (const model of client.models.list({ limit: 2 })) {
        assert.equal(model.type, 'model');
        assert.ok(model.display_name && !Number.isNaN(Date.parse(model.created_at)), JSON.stringify(model));
        ids.push(model.id);
      }
      assert.ok(ids.includes(s.chatModel), ids.join());
      assert.equal(new Set(ids).size, ids.length);
      return ids.join();
    },

    'model with a slash': async () => {
      const model = await client.models.retrieve(s.chatModel);
      assert.deepEqual([model.type, model.id], ['model', s.chatModel]);
    },

    'unknown model retrieved': async () => {
      await fails('NotFoundError', () => client.models.retrieve('nobody/nothing'));
    },

    'limit reached': async () => {
      assert.equal((await client.messages.create(ask('Run out.'))).stop_reason, 'max_tokens');
    },

    'refusal': async () => {
      assert.equal((await client.messages.create(ask('Say something bad.'))).stop_reason, 'refusal');
      assert.equal((await client.messages.stream(ask('Say something bad.')).finalMessage()).stop_reason, 'refusal');
    },

    'wrong key': async () => {
      const e = await fails('AuthenticationError', () => make(s.wrongKey).messages.create(ask('Say hello.')));
      assert.deepEqual([e.status, e.error.type, e.error.error.type, e.error.error.details.error_code], [401, 'error', 'authentication_error', 'key_unknown']);
      assert.match(e.error.request_id, /^req_/);
      assert.equal(e.requestID, e.error.request_id);
    },

    'unknown model': async () => {
      const e = await fails('NotFoundError', () => client.messages.create({ ...ask('Say hello.'), model: 'nobody/nothing' }));
      assert.equal(e.error.error.type, 'not_found_error');
      assert.match(e.error.error.message, /^model: nobody\/nothing/);
      return e.message;
    },

    'unknown model streamed': async () => {
      await fails('NotFoundError', () => client.messages.create({ ...ask('Say hello.', { stream: true }), model: 'nobody/nothing' }));
    },

    'route that is not served': async () => {
      const e = await fails('NotFoundError', () => client.messages.batches.list());
      assert.equal(e.error.error.type, 'not_found_error');
    },

    'beta header and query': async () => {
      const message = await client.beta.messages.create({ ...ask('Say hello.'), betas: ['some-future-2027-01-01'] });
      assert.equal(texts(message), 'Hello, wörld 👋');
    },

    'provider refuses the request': async () => {
      const e = await fails('BadRequestError', () => client.messages.create(ask('Refuse this.')));
      assert.equal(e.error.error.type, 'invalid_request_error');
      assert.match(e.message, /The temperature is too high/);
    },

    'provider out of order': async () => {
      const e = await fails('InternalServerError', () => client.messages.create({ ...ask('Say hello.'), model: s.brokenModel }));
      assert.deepEqual([e.error.error.type, e.error.error.details.error_code], ['api_error', 'upstream_status']);
    },

    'provider limits the rate': async () => {
      const e = await fails('RateLimitError', () => client.messages.create({ ...ask('Say hello.'), model: s.limitedModel }));
      assert.equal(e.error.error.type, 'rate_limit_error');
      const wait = Number(e.headers.get('retry-after'));
      assert.ok(wait > 0 && wait <= 60, `${wait}`);
    },

    'refused field': async () => {
      const e = await fails('BadRequestError', () => client.messages.create(ask('Say hello.', { stop_sequences: 'END' })));
      assert.equal(e.error.error.details.error_code, 'field_invalid');
      assert.equal(e.error.error.param, 'stop_sequences');
    },

    'no max_tokens': async () => {
      const { max_tokens: _, ...body } = ask('Say hello.');
      const e = await fails('BadRequestError', () => client.messages.create(body));
      assert.equal(e.error.error.param, 'max_tokens');
    },

    'budget spent': async () => {
      const fetch = s.counting();
      const e = await fails('PaymentRequiredError', () => make(s.poorKey, { fetch, maxRetries: 2 }).messages.create(ask('Say hello.')));
      assert.deepEqual([e.status, e.error.error.type, fetch.count], [402, 'billing_error', 1]);
    },

    'body over the limit': async () => {
      const e = await fails('ContentTooLargeError', () => client.messages.create(ask('x'.repeat(21 * 1024 * 1024))));
      assert.deepEqual([e.status, e.error.error.type], [413, 'request_too_large']);
    },

    'retry of what may succeed': async () => {
      const fetch = s.counting();
      const message = await make(s.key, { fetch, maxRetries: 2 }).messages.create({ ...ask(`Once, ${crypto.randomUUID()}.`), model: s.flakyModel });
      assert.equal(texts(message), 'Hello, wörld 👋');
      assert.equal(fetch.count, 2);
    },

    'no retry of what cannot': async () => {
      const fetch = s.counting();
      await s.failure(() => make(s.wrongKey, { fetch, maxRetries: 2 }).messages.create(ask('Say hello.')));
      await s.failure(() => make(s.key, { fetch, maxRetries: 2 }).messages.create({ ...ask('Say hello.'), model: 'nobody/nothing' }));
      assert.equal(fetch.count, 2);
    },

    'time-out': async () => {
      for (let timeout = 300, mark; !mark || !await s.hasArrived(mark); timeout *= 2) { // longer where a busy machine has not brought it to the provider in time
        mark = crypto.randomUUID();
        await fails('APIConnectionTimeoutError', () => client.messages.create(ask(`Go on for ever, ${mark}.`), { timeout }));
      }
    },

    'abort of a whole answer': async () => {
      const stop = new AbortController();
      const mark = crypto.randomUUID();
      s.arrived(mark).then(() => stop.abort());
      await fails('APIUserAbortError', () => client.messages.create(ask(`Go on for ever, ${mark}.`), { signal: stop.signal }));
    },

    'abort in mid-stream': async () => {
      const stop = new AbortController();
      let text = '';
      for await (const event of await client.messages.create(ask('Go on for ever.', { stream: true }), { signal: stop.signal })) {
        text += event.delta?.text ?? '';
        if (text)
          stop.abort();
      }
      assert.equal(text, 'and ');
    },

    'break out of a stream': async () => {
      const stream = await client.messages.create(ask('Go on for ever.', { stream: true }));
      for await (const event of stream) {
        if (event.type === 'content_block_delta')
          break;
      }
      assert.ok(stream.controller.signal.aborted);
    },

    'answer cut in mid-stream': async () => {
      let text = '';
      const e = await fails('APIError', async () => {
        for await (const event of await client.messages.create(ask('Break off.', { stream: true })))
          text += event.delta?.text ?? '';
      });
      assert.equal(text, 'Half an ');
      assert.match(e.message, /upstream_truncated/);
    },

    'nobody there': async () => {
      await fails('APIConnectionError', () => make(s.key, { baseURL: 'http://127.0.0.1:9' }).models.list());
    },
  };
}
