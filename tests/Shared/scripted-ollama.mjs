// As much of Ollama as its recipe needs: it starts without a model, and loads one when it is told to, if it was pulled before.
import http from 'node:http';

const [host, port] = process.env.OLLAMA_HOST.split(':');
http.createServer((request, response) => {
  let body = '';
  request.on('data', data => { body += data; });
  request.on('end', () => {
    const model = request.method === 'POST' ? JSON.parse(body).model : null;
    if (model === 'missing') {
      response.statusCode = 404;
      response.end(JSON.stringify({ error: `model '${model}' not found` }));
    } else {
      response.end(JSON.stringify(model ? { model, done: true, done_reason: 'load' } : { version: '0.0.0' }));
    }
  });
}).listen(Number(port), host);
