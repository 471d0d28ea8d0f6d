// A worker that does as its "model" says: it keeps the contract of src/Fairlead.Fleet/Workers/WorkerProcess.cs, up to where the test wants it broken.
//   good          serves                         dies-early   ends when a request comes
//   fails         says why and ends              dies-late    ends in the middle of an answer
//   never-ready   loads for ever                 deaf         does not hear "stop"
//   talks         writes two log lines           endless      streams until its caller hangs up
import http from 'node:http';
import { appendFileSync } from 'node:fs';

const options = Object.fromEntries(process.argv.slice(2).flatMap((word, i, all) => word.startsWith('--') ? [[word.slice(2), all[i + 1]]] : []));
const [behaviour, journal] = options.model.split('@'); // "good@/path": each start, and each caller who leaves, is noted in that file
const note = word => { if (journal) appendFileSync(journal, word + '\n'); };
note('start');
if (behaviour === 'environment')
  note(JSON.stringify(process.env));
if (behaviour === 'fails') {
  console.error('reading the header');
  console.error('model.safetensors at byte 8: the header is no JSON');
  process.exitCode = 1;
  process.stdin.unref();
} else {
  process.stdin.on('end', () => process.exit(0)); // whoever started us is dead
  process.stdin.on('data', data => {
    if (String(data).includes('stop') && behaviour !== 'deaf')
      server.close(() => process.exit(0));
  });
  if (behaviour === 'talks') {
    console.error('a line of the log');
    console.error('another\tone with \u001b[31mcolour');
  }
  var server = http.createServer(answer).listen(options.socket, () => { if (behaviour !== 'never-ready') console.log('ready'); });
}

function chunk(choices, more = {}) {
  return `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: options.name, choices, ...more })}\n\n`;
}

function answer(request, response) {
  let body = '';
  request.on('data', data => { body += data; });
  request.on('end', () => {
    note('request');
    if (behaviour === 'dies-early') {
      console.error('Unhandled exception. The model ran into itself.');
      console.error('   at Fairlead.Engine.Somewhere()');
      process.exit(134);
    }
    const asked = JSON.parse(body);
    const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
    if (!asked.stream) {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({
        id: 'chatcmpl-1', object: 'chat.completion', created: 1, model: options.name,
        choices: [{ index: 0, message: { role: 'assistant', content: `${process.pid}` }, finish_reason: 'stop' }], usage,
      }));
      return;
    }
    response.setHeader('content-type', 'text/event-stream');
    response.write(chunk([{ index: 0, delta: { role: 'assistant', content: 'one ' }, finish_reason: null }]));
    if (behaviour === 'dies-late') {
      response.write(chunk([{ index: 0, delta: { content: 'two ' }, finish_reason: null }]), () => setImmediate(() => process.exit(137)));
      return;
    }
    if (behaviour === 'endless') {
      const timer = setInterval(() => response.write(chunk([{ index: 0, delta: { content: 'more ' }, finish_reason: null }])), 20);
      response.on('close', () => { clearInterval(timer); note('left'); });
      return;
    }
    response.end(chunk([{ index: 0, delta: { content: 'two' }, finish_reason: 'stop' }]) + chunk([], { usage }) + 'data: [DONE]\n\n');
  });
}
