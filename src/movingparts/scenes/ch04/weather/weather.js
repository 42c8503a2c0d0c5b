const express = require('express');
const { STATUS_CODES } = require('node:http');

const app = express();
const port = process.env.PORT || 3000;

// answers
app.get('/stations/:station', async (req, res) => {
  const { station } = req.params;
  const answer = await ask(req, station);
  if (answer.status === 404) {
    return problem(res, 404, `no weather at ${station}`);
  }
  const { celsius } = await answer.json();
  res.json({ at: station, celsius });
});

// trace and deadline
function ask(req, station) {
  const wait = Number(req.get('timeout-ms') ?? 2000);
  return fetch(`${process.env.SENSORS}/${station}`, {
    headers: { traceparent: req.get('traceparent') ?? '' },
    signal: AbortSignal.timeout(wait),
  });
}

// errors
function problem(res, status, detail) {
  const title = STATUS_CODES[status];
  res.status(status).type('application/problem+json');
  res.json({ type: 'about:blank', title, status, detail });
}

app.use((error, req, res, next) => {
  console.error(error.message);
  const late = error.name === 'TimeoutError';
  problem(res, late ? 504 : 502, 'the sensors do not answer');
});

// health
app.get('/health', (req, res) => {
  res.json({ status: 'up' });
});

// shutdown
const server = app.listen(port, '127.0.0.1', (error) => {
  if (error) throw error;
  console.log(`weather listens on port ${port}`);
});

process.on('SIGTERM', () => {
  server.close(() => process.exit());
  setInterval(() => server.closeIdleConnections(), 50);
});
