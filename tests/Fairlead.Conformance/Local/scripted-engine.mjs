// Another's engine that does as its first argument says, on the port that follows:
//   never-ready   listens, and is loading for ever          hoards   takes 64 MB more at each request
//   silent        starts, and never listens
import http from 'node:http';

const [behaviour, port] = process.argv.slice(2);
const hoard = [];
console.error(`scripted engine, ${behaviour}`);

const server = http.createServer((request, response) => {
  response.setHeader('content-type', 'application/json');
  if (request.url === '/health') {
    response.statusCode = behaviour === 'never-ready' ? 503 : 200;
    response.end(JSON.stringify({ status: behaviour === 'never-ready' ? 'loading model' : 'ok' }));
    return;
  }
  request.resume();
  request.on('end', () => {
    if (behaviour === 'hoards') {
      console.error('taking 64 MB more');
      hoard.push(Buffer.alloc(64 << 20, 1));
    }
    response.end(JSON.stringify({
      id: 'x', object: 'chat.completion', created: 1, model: 'x',
      choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }], usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
    }));
  });
});
if (behaviour === 'silent')
  setInterval(() => {}, 1000);
else
  server.listen(Number(port), '127.0.0.1');
