// The client of Hugging Face, pointed at a server of one's own by `endpointUrl`. Its other tasks speak their own dialect, which this server does not.
import assert from 'node:assert/strict';
import { InferenceClient, InferenceClientProviderApiError } from '@huggingface/inference';
import * as s from './scenario.mjs';

const make = (key = s.key) => new InferenceClient(key, { endpointUrl: s.baseUrl });
const client = make();
const ask = (content, more = {}) => ({ model: s.chatModel, messages: [{ role: 'user', content }], ...more });

await s.run('huggingface', {
  'chat': async () => {
    const answer = await client.chatCompletion(ask('Say hello.'));
    assert.equal(answer.choices[0].message.content, 'Hello, wörld 👋');
    assert.equal(answer.usage.total_tokens, 17);
  },

  'stream': async () => {
    let text = '';
    let finish;
    for await (const chunk of client.chatCompletionStream(ask('Say hello.'))) {
      text += chunk.choices[0]?.delta.content ?? '';
      finish ??= chunk.choices[0]?.finish_reason;
    }
    assert.equal(text, 'Hello, wörld 👋');
    assert.equal(finish, 'stop');
  },

  'comments while the model thinks': async () => {
    let text = '';
    for await (const chunk of client.chatCompletionStream(ask('Think first.')))
      text += chunk.choices[0].delta.content ?? '';
    assert.equal(text, 'Hello, wörld 👋');
  },

  'stream with usage': async () => {
    let usage;
    for await (const chunk of client.chatCompletionStream(ask('Say hello.', { stream_options: { include_usage: true } })))
      usage = chunk.usage ?? usage;
    assert.equal(usage.completion_tokens, 5);
  },

  'tool round trip': async () => {
    const request = ask('How is the weather in Paris?', { tools: [s.weatherTool] });
    const first = await client.chatCompletion(request);
    const [call] = first.choices[0].message.tool_calls;
    assert.deepEqual(JSON.parse(call.function.arguments), { city: 'Paris' });
    const second = await client.chatCompletion({
      ...request,
      messages: [...request.messages, first.choices[0].message, { role: 'tool', tool_call_id: call.id, content: '21 degrees' }],
    });
    assert.equal(second.choices[0].message.content, `${call.id} says: 21 degrees`);
  },

  'tool round trip streamed': async () => {
    let args = '';
    let finish;
    for await (const chunk of client.chatCompletionStream(ask('How is the weather in Paris?', { tools: [s.weatherTool] }))) {
      args += chunk.choices[0]?.delta.tool_calls?.[0]?.function?.arguments ?? '';
      finish ??= chunk.choices[0]?.finish_reason;
    }
    assert.deepEqual(JSON.parse(args), { city: 'Paris' });
    assert.equal(finish, 'tool_calls');
  },

  'structured output': async () => {
    const answer = await client.chatCompletion(ask('A place, please.', {
      response_format: { type: 'json_schema', json_schema: { name: 'place', strict: true, schema: s.place } },
    }));
    assert.deepEqual(JSON.parse(answer.choices[0].message.content), { city: 'Paris', people: 2100000 });
  },

  'image part': async () => {
    const answer = await client.chatCompletion({
      model: s.chatModel,
      messages: [{ role: 'user', content: [{ type: 'text', text: 'What is this?' }, { type: 'image_url', image_url: { url: s.dot } }] }],
    });
    assert.equal(answer.choices[0].message.content, `An image of ${s.dot.length} characters`);
  },

  'tools in two rounds': async () => {
    const messages = [{ role: 'user', content: 'How is the weather in Paris, then in London?' }];
    const asked = [];
    for (let rounds = 0; rounds < 4; rounds++) {
      const { message } = (await client.chatCompletion({ model: s.chatModel, messages, tools: [s.weatherTool] })).choices[0];
      messages.push(message);
      if (!message.tool_calls?.length)
        break;
      for (const call of message.tool_calls) {
        asked.push(JSON.parse(call.function.arguments).city);
        messages.push({ role: 'tool', tool_call_id: call.id, content: 'fine' });
      }
    }
    assert.deepEqual(asked, ['Paris', 'London']);
    assert.equal(messages.at(-1).content, 'call_2 says: fine');
  },

  'budget spent': async () => {
    const e = await s.failure(() => make(s.poorKey).chatCompletion(ask('Say hello.')));
    assert.equal(e.httpResponse.status, 402);
    assert.equal(e.httpResponse.body.error.code, 'budget_reached');
  },

  'provider limits the rate': async () => {
    const e = await s.failure(() => client.chatCompletion({ ...ask('Say hello.'), model: s.limitedModel }));
    assert.equal(e.httpResponse.status, 429);
    assert.equal(e.httpResponse.body.error.code, 'upstream_rate_limited');
  },

  'provider refuses the request': async () => {
    const e = await s.failure(() => client.chatCompletion(ask('Refuse this.')));
    assert.equal(e.httpResponse.status, 400);
    assert.equal(e.httpResponse.body.error.param, 'temperature');
    // Its own message tells texts only, and OpenAI's clients lose those: the object is what both can read.
    assert.match(e.httpResponse.body.error.message, /The temperature is too high/);
  },

  'error before a stream': async () => {
    const e = await s.failure(async () => {
      for await (const _ of client.chatCompletionStream({ ...ask('Say hello.'), model: 'nobody/nothing' }))
        assert.fail('an answer came');
    });
    assert.ok(e instanceof InferenceClientProviderApiError, `${e.constructor.name} ${e.message}`);
    assert.equal(e.httpResponse.status, 400);
  },

  'error in mid-stream': async () => {
    let text = '';
    const e = await s.failure(async () => {
      for await (const chunk of client.chatCompletionStream(ask('Break off.')))
        text += chunk.choices[0]?.delta.content ?? '';
    });
    assert.equal(text, 'Half an ');
    return `${e.constructor.name} ${e.message}`;
  },

  'abort of a whole answer': async () => {
    const stop = new AbortController();
    const mark = crypto.randomUUID();
    s.arrived(mark).then(() => stop.abort());
    const e = await s.failure(() => client.chatCompletion(ask(`Go on for ever, ${mark}.`), { signal: stop.signal }));
    assert.equal(e.name, 'AbortError');
  },

  'wrong key': async () => {
    const e = await s.failure(() => make(s.wrongKey).chatCompletion(ask('Say hello.')));
    assert.ok(e instanceof InferenceClientProviderApiError, `${e.constructor.name} ${e.message}`);
    assert.equal(e.httpResponse.status, 401);
    return e.message;
  },

  'unknown model': async () => {
    const e = await s.failure(() => client.chatCompletion({ ...ask('Say hello.'), model: 'nobody/nothing' }));
    assert.ok(e instanceof InferenceClientProviderApiError, `${e.constructor.name} ${e.message}`);
    assert.equal(e.httpResponse.status, 400);
    assert.equal(e.httpResponse.body.error.code, 'model_not_found');
    return e.message;
  },

  'abort in mid-stream': async () => {
    const stop = new AbortController();
    let text = '';
    const e = await s.failure(async () => {
      for await (const chunk of client.chatCompletionStream(ask('Go on for ever.'), { signal: stop.signal })) {
        text += chunk.choices[0]?.delta.content ?? '';
        if (text)
          stop.abort();
      }
    });
    assert.equal(e.name, 'AbortError');
    assert.equal(text, 'and ');
  },
});
