// A worker that does as its "model" says: it keeps the contract of src/Fairlead.Fleet/Workers/WorkerProcess.cs, up to where the test wants it broken.
//   good          serves                         dies-early   ends when a request comes
//   fails         says why and ends              dies-late    ends in the middle of an answer
//   never-ready   loads for ever                 deaf         does not hear "stop"
//   talks         writes two log lines           endless      streams until its caller hangs up
//   dies-loading  ends in the middle of a load   mute         listens, and answers nothing, not even /health
//   no-needs      never says what it needs       bad-needs    says it in a way that nobody understands
//   dies-once     ends when a request comes, and serves after its next start: by the journal it knows
//   grandchild    starts a child that outlives it and hears no signal; its process id is noted
//   eats          takes MiB of memory when it loads: "eats,take=900"
//   calls         says that it knows tools, and calls two of them where the request has any
// Behind the word, after commas: need=BYTES (weights; 1 MiB unless given), load=MS (how long a load takes, with its progress), files=BYTES, kind=embedding.
// With --engine it is another's: it loads as it is started, says nothing on standard output, and ends with SIGTERM; with --port it listens there.
// "good,need=5000000,load=200@/path": each start, and each caller who leaves, is noted in that file.
// hold=load, hold=half, hold=answer: the load, the second half of it, or the answer (of a stream, what comes after its first word), waits until the file "/path.go" is there.
import http from 'node:http';
import { spawn } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';

const options = Object.fromEntries(process.argv.slice(2).flatMap((word, i, all) => word.startsWith('--') ? [[word.slice(2), all[i + 1]]] : []));
const [script, journal] = options.model.split('@');
const [behaviour, ...details] = script.split('/').at(-1).split(',');
const detail = Object.fromEntries(details.map(word => word.split('=')));
const note = word => { if (journal) appendFileSync(journal, word + '\n'); };
let state = 'measured', share = 0;
note('start');
const dies = behaviour === 'dies-early' || (behaviour === 'dies-once' && readFileSync(journal, 'utf8') === 'start\n');
if (behaviour === 'environment')
  note(JSON.stringify(process.env));
if (behaviour === 'fails') {
  console.error('reading the header');
  console.error('model.safetensors at byte 8: the header is no JSON');
  process.exitCode = 1;
  process.stdin.unref();
} else {
  process.stdin.on('end', () => { if (!options.engine) process.exit(0); }); // whoever started us is dead, which no engine cares for
  process.on('SIGTERM', () => { if (behaviour !== 'deaf') process.exit(0); });
  let heard = '';
  process.stdin.on('data', data => {
    heard += data;
    for (let end; (end = heard.indexOf('\n')) >= 0; heard = heard.slice(end + 1))
      hear(heard.slice(0, end));
  });
  if (behaviour === 'talks') {
    console.error('a line of the log');
    console.error('another\tone with \u001b[31mcolour');
  }
  if (behaviour === 'grandchild') {
    const child = spawn(process.execPath, ['-e', "for (const s of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(s, () => {}); setInterval(() => {}, 1000)"], { stdio: 'inherit' });
    note(`child ${child.pid}`);
  }
  var server = http.createServer(answer).listen(...(options.port ? [Number(options.port), '127.0.0.1'] : [options.socket]), () => {
    if (options.engine)
      hear('load');
    else if (behaviour === 'bad-needs')
      console.log('needs all the memory there is');
    else if (behaviour !== 'no-needs')
      console.log(`needs ${JSON.stringify({ weights: Number(detail.need ?? 1 << 20), cache: 0, scratch: 0, kind: detail.kind ?? 'language', context: Number(options.ctx ?? 4096), slots: Number(options.slots ?? 8), tools: behaviour === 'calls', files: Number(detail.files ?? detail.need ?? 1 << 20) })}`);
  });
}

function hear(line) {
  if (line === 'stop' && behaviour !== 'deaf') {
    server.close(() => process.exit(0));
    server.closeIdleConnections();
    if (state !== 'ready')
      process.exit(0);
  } else if (line === 'load' && state === 'measured') {
    state = 'loading';
    if (behaviour === 'dies-loading') {
      console.error('the file ends at byte 4096, within the tensor blk.0.attn_q.weight.');
      setImmediate(() => process.exit(1));
    } else if (behaviour === 'eats') {
      globalThis.eaten = Array.from({ length: Number(detail.take) }, () => Buffer.alloc(1 << 20, 1));
      ready();
    } else {
      held('load', () => load(Number(detail.load ?? 0)));
    }
  }
}

/** Goes on when the test says so, where this is what it holds. */
function held(what, then) {
  if (detail.hold !== what || existsSync(`${journal}.go`))
    return then();
  setTimeout(() => held(what, then), 5);
}

function load(ms) {
  if (ms === 0 && behaviour !== 'never-ready')
    return ready();
  // Steps are counted and no clock is read: a machine that is short of time takes longer for them and leaves none out.
  const pause = 20;
  let steps = 0;
  const next = () => setTimeout(step, pause);
  const step = () => {
    share = behaviour === 'never-ready' ? 0.5 : Math.min(1, ++steps * pause / ms);
    say(`progress ${share.toFixed(3)}`);
    if (share === 1)
      return ready();
    if (share < 0.5)
      return next();
    held('half', next);
  };
  next();
}

function say(line) {
  if (!options.engine)
    console.log(line);
}

function ready() {
  state = 'ready';
  say('ready');
}

function chunk(choices, more = {}) {
  return `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: options.name, choices, ...more })}\n\n`;
}

/** Both calls, in pieces where a stream was asked for. */
function call(asked, response, usage) {
  const calls = ['{"city":"Paris"}', '{"city":"Rome"}'].map((text, index) => ({ index, id: `call_${index}`, type: 'function', function: { name: asked.tools[0].function.name, arguments: text } }));
  if (!asked.stream) {
    response.setHeader('content-type', 'application/json');
    return response.end(JSON.stringify({
      id: 'chatcmpl-1', object: 'chat.completion', created: 1, model: options.name,
      choices: [{ index: 0, message: { role: 'assistant', content: null, tool_calls: calls.map(({ index, ...rest }) => rest) }, finish_reason: 'tool_calls' }], usage,
    }));
  }
  response.setHeader('content-type', 'text/event-stream');
  response.write(chunk([{ index: 0, delta: { role: 'assistant', content: null }, finish_reason: null }]));
  for (const one of calls) {
    response.write(chunk([{ index: 0, delta: { tool_calls: [{ ...one, function: { ...one.function, arguments: '' } }] }, finish_reason: null }]));
    for (const piece of one.function.arguments.match(/.{1,6}/g))
      response.write(chunk([{ index: 0, delta: { tool_calls: [{ index: one.index, function: { arguments: piece } }] }, finish_reason: null }]));
  }
  response.end(chunk([{ index: 0, delta: {}, finish_reason: 'tool_calls' }]) + chunk([], { usage }) + 'data: [DONE]\n\n');
}

function answer(request, response) {
  if (behaviour === 'mute')
    return;
  if (request.method === 'GET') {
    response.statusCode = state === 'ready' ? 200 : 503;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(state === 'ready'
      ? { status: 'ready', model: options.name, kind: detail.kind ?? 'language', context_length: 4096, slots: 8, running: 0, waiting: 0, tokens_generated: 0, tokens_read: 0, batch_fill: 0, kv_blocks_used: 0, kv_blocks_total: 16, resident_bytes: process.memoryUsage().rss }
      : { status: 'loading', progress: share }));
    return;
  }
  let body = '';
  request.on('data', data => { body += data; });
  request.on('end', () => {
    note('request');
    response.on('close', () => { if (!response.writableFinished) note('left'); });
    if (dies)
      return held('answer', () => {
        console.error('Unhandled exception. The model ran into itself.');
        console.error('   at Fairlead.Engine.Somewhere()');
        process.exit(134);
      });
    const asked = JSON.parse(body);
    const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
    if (behaviour === 'calls' && asked.tools && !asked.messages.some(message => message.role === 'tool'))
      return call(asked, response, usage);
    if (!asked.stream) {
      response.setHeader('content-type', 'application/json');
      return held('answer', () => response.end(JSON.stringify({
        id: 'chatcmpl-1', object: 'chat.completion', created: 1, model: options.name,
        choices: [{ index: 0, message: { role: 'assistant', content: `${process.pid}` }, finish_reason: 'stop' }], usage,
      })));
    }
    response.setHeader('content-type', 'text/event-stream');
    response.write(chunk([{ index: 0, delta: { role: 'assistant', content: 'one ' }, finish_reason: null }]));
    if (behaviour === 'dies-late')
      return held('answer', () => response.write(chunk([{ index: 0, delta: { content: 'two ' }, finish_reason: null }]), () => setImmediate(() => process.exit(137))));
    if (behaviour === 'endless') {
      const timer = setInterval(() => response.write(chunk([{ index: 0, delta: { content: 'more ' }, finish_reason: null }])), 20);
      response.on('close', () => clearInterval(timer));
      return;
    }
    held('answer', () => response.end(chunk([{ index: 0, delta: { content: 'two' }, finish_reason: 'stop' }]) + chunk([], { usage }) + 'data: [DONE]\n\n'));
  });
}
