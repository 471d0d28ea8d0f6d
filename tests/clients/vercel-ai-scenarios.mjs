// What the ai package promises with a provider of its own: `make(key, fetch)` is OpenAI's dialect or Anthropic's.
import assert from 'node:assert/strict';
import { APICallError, RetryError, embed, embedMany, generateText, jsonSchema, Output, stepCountIs, streamText, tool } from 'ai';
import * as s from './scenario.mjs';

globalThis.AI_SDK_LOG_WARNINGS = false; // standard output is for the lines of the scenarios

const weather = asked => tool({
  description: 'The weather of a city.',
  inputSchema: jsonSchema(s.weather),
  execute: ({ city }) => { asked.push(city); return '21 degrees'; },
});

/** `unknownModel`: the status for a model that is not known. `structured`: it sends a schema to a model whose name it does not know. */
export function scenarios(make, { embeddings = false, completions = false, structured = true, unknownModel = 400 } = {}) {
  const fairlead = make(s.key);
  const model = fairlead(s.chatModel);
  const ask = (prompt, more = {}) => ({ model, prompt, maxRetries: 0, ...more });

  return {
    'chat': async () => {
      const answer = await generateText(ask('Say hello.'));
      assert.equal(answer.text, 'Hello, wörld 👋');
      assert.equal(answer.finishReason, 'stop');
      assert.equal(answer.usage.inputTokens, 12);
      assert.equal(answer.usage.outputTokens, 5);
    },

    'stream with usage': async () => {
      const stream = streamText(ask('Say hello.'));
      let text = '';
      for await (const piece of stream.textStream)
        text += piece;
      assert.equal(text, 'Hello, wörld 👋');
      assert.equal(await stream.finishReason, 'stop');
      assert.equal((await stream.usage).outputTokens, 5);
    },

    'comments while the model thinks': async () => {
      assert.equal(await streamText(ask('Think first.')).text, 'Hello, wörld 👋');
    },

    'tool round trip': async () => {
      const asked = [];
      const answer = await generateText(ask('How is the weather in Paris?', { tools: { weather: weather(asked) }, stopWhen: stepCountIs(3) }));
      assert.deepEqual(asked, ['Paris']);
      assert.match(answer.text, /says: 21 degrees$/);
      assert.equal(answer.steps.length, 2);
    },

    'tool round trip streamed': async () => {
      const asked = [];
      const stream = streamText(ask('How is the weather in Paris?', { tools: { weather: weather(asked) }, stopWhen: stepCountIs(3) }));
      await stream.consumeStream();
      assert.deepEqual(asked, ['Paris']);
      assert.match(await stream.text, /says: 21 degrees$/);
    },

    'tools in two rounds': async () => {
      const asked = [];
      const answer = await generateText(ask('How is the weather in Paris, then in London?', { tools: { weather: weather(asked) }, stopWhen: stepCountIs(5) }));
      assert.deepEqual(asked, ['Paris', 'London']);
      assert.equal(answer.text, 'call_2 says: 21 degrees');
      assert.equal(answer.steps.length, 3);
    },

    'tools in three rounds': async () => {
      const asked = [];
      const stream = streamText(ask('How is the weather in Paris, then in London, then in Rome?', { tools: { weather: weather(asked) }, stopWhen: stepCountIs(6) }));
      await stream.consumeStream();
      assert.deepEqual(asked, ['Paris', 'London', 'Rome']);
      assert.equal(await stream.text, 'call_3 says: 21 degrees');
    },

    'two tools at once, streamed': async () => {
      const asked = [];
      const stream = streamText(ask('How is the weather in both?', { tools: { weather: weather(asked) }, stopWhen: stepCountIs(3) }));
      await stream.consumeStream();
      assert.deepEqual(asked.sort(), ['London', 'Paris']);
      assert.match(await stream.text, /^call_2 says/);
    },

    ...(structured ? {
      'structured output streamed': async () => {
        const stream = streamText(ask('A place, please.', { output: Output.object({ schema: jsonSchema(s.place), name: 'place' }) }));
        let last;
        for await (const partial of stream.partialOutputStream)
          last = partial;
        assert.deepEqual(last, { city: 'Paris', people: 2100000 });
      },

      'structured output': async () => {
        const answer = await generateText(ask('A place, please.', { output: Output.object({ schema: jsonSchema(s.place), name: 'place' }) }));
        assert.deepEqual(answer.output, { city: 'Paris', people: 2100000 });
      },
    } : {}),

    'image part': async () => {
      const answer = await generateText({
        model,
        maxRetries: 0,
        messages: [{ role: 'user', content: [{ type: 'text', text: 'What is this?' }, { type: 'image', image: s.dot, mediaType: 'image/png' }] }],
      });
      assert.equal(answer.text, `An image of ${s.dot.length} characters`);
    },

    ...(embeddings ? {
      'embedding': async () => {
        const answer = await embed({ model: fairlead.embeddingModel(s.embeddingModel), value: 'one', maxRetries: 0 });
        assert.deepEqual(answer.embedding, [0.25, -1.5, 3]);
      },

      'embeddings': async () => {
        const answer = await embedMany({ model: fairlead.embeddingModel(s.embeddingModel), values: ['one', 'two'], maxRetries: 0 });
        assert.deepEqual(answer.embeddings, [[0.25, -1.5, 3], [0.25, -1.5, 3]]);
        assert.equal(answer.usage.tokens, 4);
      },
    } : {}),

    ...(completions ? {
      'legacy completions': async () => {
        const answer = await generateText({ model: fairlead.completionModel(s.chatModel), prompt: 'Once', maxRetries: 0 });
        assert.match(answer.text, /upon a time$/);
      },
    } : {}),

    'wrong key': async () => {
      const e = await s.failure(() => generateText({ ...ask('Say hello.'), model: make(s.wrongKey)(s.chatModel) }));
      assert.ok(APICallError.isInstance(e), e.message);
      assert.equal(e.statusCode, 401);
      assert.equal(e.isRetryable, false);
      return e.message;
    },

    'unknown model': async () => {
      const e = await s.failure(() => generateText({ ...ask('Say hello.'), model: fairlead('nobody/nothing') }));
      assert.ok(APICallError.isInstance(e), e.message);
      assert.equal(e.statusCode, unknownModel);
      assert.equal(e.isRetryable, false);
      return e.message;
    },

    'budget spent': async () => {
      const fetch = s.counting();
      const e = await s.failure(() => generateText({ ...ask('Say hello.'), maxRetries: 2, model: make(s.poorKey, fetch)(s.chatModel) }));
      assert.ok(APICallError.isInstance(e), e.message);
      assert.deepEqual([e.statusCode, e.isRetryable, fetch.count], [402, false, 1]);
      assert.match(e.message, /budget/i);
    },

    'provider limits the rate': async () => {
      const e = await s.failure(() => generateText({ ...ask('Say hello.'), model: fairlead(s.limitedModel) }));
      assert.ok(APICallError.isInstance(e), e.message);
      assert.deepEqual([e.statusCode, e.isRetryable], [429, true]);
    },

    'provider refuses the request': async () => {
      const e = await s.failure(() => generateText(ask('Refuse this.')));
      assert.ok(APICallError.isInstance(e), e.message);
      assert.equal(e.statusCode, 400);
      assert.match(e.message, /The temperature is too high/);
    },

    'retry of what may succeed': async () => {
      const fetch = s.counting();
      const answer = await generateText({ ...ask(`Once, ${crypto.randomUUID()}.`), maxRetries: 2, model: make(s.key, fetch)(s.flakyModel) });
      assert.equal(answer.text, 'Hello, wörld 👋');
      assert.equal(fetch.count, 2);
    },

    'retries given up': async () => {
      const e = await s.failure(() => generateText({ ...ask('Say hello.'), maxRetries: 1, model: fairlead(s.brokenModel) }));
      assert.ok(RetryError.isInstance(e), `${e.name} ${e.message}`);
      assert.equal(e.lastError.statusCode >= 500, true);
    },

    'error in mid-stream': async () => {
      const parts = [];
      for await (const part of streamText(ask('Break off.', { onError: () => {} })).fullStream)
        parts.push(part);
      assert.equal(parts.filter(p => p.type === 'text-delta').map(p => p.text).join(''), 'Half an ');
      assert.ok(parts.some(p => p.type === 'error'), parts.map(p => p.type).join());
    },

    'abort of a whole answer': async () => {
      const stop = new AbortController();
      const mark = crypto.randomUUID();
      s.arrived(mark).then(() => stop.abort());
      const e = await s.failure(() => generateText(ask(`Go on for ever, ${mark}.`, { abortSignal: stop.signal })));
      assert.match(e.name, /Abort|Timeout/);
    },

    'abort in mid-stream': async () => {
      const stop = new AbortController();
      const parts = [];
      for await (const part of streamText(ask('Go on for ever.', { abortSignal: stop.signal })).fullStream) {
        parts.push(part.type);
        if (part.type === 'text-delta')
          stop.abort();
      }
      assert.equal(parts.at(-1), 'abort', parts.join());
    },
  };
}
