// OpenAI's own client against models that are not loaded, die while they load, or die in mid-answer.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import OpenAI from 'openai';
import { baseUrl, failure, key, run } from './scenario.mjs';

const large = process.env.LARGE_MODEL; // its load can be seen
const small = process.env.SMALL_MODEL;
const shared = process.env.SHARED_MODEL; // an offer of this machine's, and of a provider's
const program = process.env.FAIRLEAD;
const configuration = process.env.CONFIG;
const gateway = Number(process.env.GATEWAY_PID);
const client = new OpenAI({ baseURL: baseUrl, apiKey: key, maxRetries: 0 });
const messages = [{ role: 'user', content: 'What is Fairlead?' }];
const endless = { max_tokens: 1900, min_tokens: 1900, logit_bias: { 5: -100 } };

/** The raw answer, for what a client does not show. */
const ask = (body, headers = {}) => fetch(`${baseUrl}/chat/completions`, {
  method: 'POST',
  headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
  body: JSON.stringify({ messages, max_tokens: 2, ...body }),
});

const listed = async model => (await (await fetch(`${baseUrl}/models`, { headers: { authorization: `Bearer ${key}` } })).json()).data.find(m => m.id === model);

/** The gateway's children whose command line names the model. */
function workerOf(name) {
  return readdirSync('/proc').filter(id => /^\d+$/.test(id)).map(Number).find(id => {
    try {
      return Number(readFileSync(`/proc/${id}/stat`, 'utf8').split(') ')[1].split(' ')[1]) === gateway && readFileSync(`/proc/${id}/cmdline`, 'utf8').includes(name);
    } catch {
      return false; // gone meanwhile
    }
  });
}

/** Nothing tells of another process: it is looked at again and again. */
async function until(look, what) {
  for (const end = Date.now() + 60_000; Date.now() < end; await new Promise(next => setTimeout(next, 5))) {
    const seen = await look();
    if (seen)
      return seen;
  }
  throw new Error(`did not come about: ${what}`);
}

/** The value of a metric for one model. */
async function metric(name, model) {
  const page = await (await fetch(new URL('/metrics', baseUrl))).text();
  const line = page.split('\n').find(line => line.startsWith(`${name}{`) && line.includes(`model="${model}"`));
  return Number(line.slice(line.lastIndexOf(' ')));
}

const unload = async name => {
  await promisify(execFile)(program, ['stop', name, '--config', configuration]);
  await until(() => !workerOf(name), `${name} is unloaded`);
};



await run('openai', {
  'progress on the wire of a cold stream': async () => {
    const began = Date.now();
    const response = await ask({ model: large, stream: true });
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-type'), /^text\/event-stream/);
    const text = await response.text();
    const beforeFirstEvent = text.slice(0, text.indexOf('data:'));
    const comments = beforeFirstEvent.split('\n').filter(line => line.startsWith(':'));
    assert.ok(comments.length > 0, text.slice(0, 400));
    assert.ok(comments.some(c => /^: (loading|queued|starting)/.test(c)), comments.join('\n'));
    assert.ok(comments.filter(c => c.startsWith(': loading')).every(c => /^: loading \d{1,3} %/.test(c)), comments.join('\n'));
    assert.ok(text.trimEnd().endsWith('data: [DONE]'));
    return comments.join(' | ');
  },

  'a cold stream through the client, which sees no comment': async () => {
    await unload(large);
    let chunks = 0;
    let finish;
    for await (const chunk of await client.chat.completions.create({ model: large, messages, max_tokens: 4, stream: true })) {
      chunks++;
      finish ??= chunk.choices[0]?.finish_reason;
    }
    assert.ok(chunks >= 2, `${chunks} chunks`);
    assert.ok(['stop', 'length'].includes(finish), finish);
  },

  'the state in the list': async () => {
    assert.equal((await listed(large)).state, 'ready');
    const cold = await listed(small);
    assert.equal(cold.state, 'cold');
    assert.ok(cold.size_bytes > 20_000_000, `${cold.size_bytes}`);
    assert.ok(cold.cold_start_seconds > 0, `${cold.cold_start_seconds}`);
  },

  '503 with an estimate that is true': async () => {
    await unload(large);
    const asked = Date.now();
    const response = await ask({ model: large }, { 'x-wait-for-model': 'false' });
    const body = await response.json();
    const waited = (Date.now() - asked) / 1000;
    assert.equal(response.status, 503, JSON.stringify(body));
    assert.equal(body.error.code, 'cold_starting');
    assert.ok(body.estimated_time > 0, JSON.stringify(body));
    assert.equal(Number(response.headers.get('retry-after')), Math.ceil(body.estimated_time));
    assert.match(response.headers.get('x-fairlead-cold'), /eta=/);
    // As long as the two loads of the same file took that it has seen, but for what has passed since it was asked. How long this one takes is how busy the machine is now.
    const learned = await metric('fairlead_local_load_seconds_sum', large) / await metric('fairlead_local_load_seconds_count', large);
    const told = `said ${body.estimated_time} s after ${waited} s, has learned ${learned} s`;
    assert.ok(body.estimated_time < learned * 1.25 + 0.5 && body.estimated_time + waited > learned * 0.75 - 0.5, told);
    await until(async () => (await listed(large)).state === 'ready', 'the load that the refused request began is done');
    return told;
  },

  'a client that retries by itself gets its answer': async () => {
    await unload(small);
    const patient = new OpenAI({ baseURL: baseUrl, apiKey: key, maxRetries: 5, defaultHeaders: { 'x-wait-for-model': 'false' } });
    const answer = await patient.chat.completions.create({ model: small, messages, max_tokens: 2 });
    assert.ok(answer.usage.completion_tokens > 0);
  },

  'no load is begun for who does not want one': async () => {
    await unload(small);
    const response = await ask({ model: small }, { 'x-load-model': '0', 'x-wait-for-model': 'false' });
    assert.equal(response.status, 503);
    assert.equal((await response.json()).error.code, 'cold_starting');
    assert.equal((await listed(small)).state, 'cold');
  },

  'a word that is no choice': async () => {
    const response = await ask({ model: small }, { 'x-wait-for-model': 'perhaps' });
    assert.equal(response.status, 400);
    assert.match((await response.json()).error.message, /x-wait-for-model/);
  },

  'a provider answers for a model that dies before its first token': async () => {
    const asked = client.chat.completions.create({ model: shared, messages, max_tokens: 4, provider: { order: ['local'] } }).withResponse(); // otherwise whoever is not cold comes first
    const worker = await until(() => workerOf('shared'), 'its worker is started');
    process.kill(worker, 'SIGKILL');
    const { data, response } = await asked;
    assert.equal(response.headers.get('x-fairlead-provider'), 'scripted');
    assert.equal(data.choices[0].message.content, 'from afar');
  },

  'an error after the first token': async () => {
    let text = '';
    let killed = false;
    const e = await failure(async () => {
      for await (const chunk of await client.chat.completions.create({ model: small, messages, ...endless, stream: true })) {
        text += chunk.choices[0]?.delta.content ?? '';
        if (text && !killed)
          killed = process.kill(workerOf(small), 'SIGKILL');
      }
    });
    assert.ok(text.length > 0);
    assert.equal(e.code, 'worker_crash', `${e.constructor.name} ${e.message}`);
  },
});
