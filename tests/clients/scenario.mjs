// One line of JSON per scenario, so that whoever started the script can tell which promise broke.
export const baseUrl = process.env.BASE_URL; // ends in /v1
export const key = process.env.KEY;
export const wrongKey = process.env.WRONG_KEY; // well formed, never issued
export const poorKey = process.env.POOR_KEY; // its budget is too small for anything
/** What the provider behind the models speaks: `openai` or `anthropic`. */
export const spoken = process.env.SPOKEN ?? 'openai';
export const chatModel = process.env.CHAT_MODEL ?? 'tiny/chat';
export const brokenModel = process.env.BROKEN_MODEL;
export const flakyModel = process.env.FLAKY_MODEL; // fails the first time that something is asked
export const limitedModel = process.env.LIMITED_MODEL;
export const embeddingModel = 'tiny/embed';

export const weather = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
};
export const weatherTool = {
  type: 'function',
  function: { name: 'weather', description: 'The weather of a city.', strict: true, parameters: weather },
};
export const place = {
  type: 'object',
  properties: { city: { type: 'string' }, people: { type: 'integer' } },
  required: ['city', 'people'],
  additionalProperties: false,
};
export const dot = 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

const mostMs = 60_000;

/** The provider's own door, where scripts ask and tell what no clock could say for sure. */
const provider = process.env.PROVIDER;

/** Whether the provider has been asked with words that hold this mark. */
export const hasArrived = async mark => (await fetch(`${provider}asked?${mark}`)).json();

/** Waits until it has: before that it could not hear that somebody leaves. */
export async function arrived(mark) {
  while (!await hasArrived(mark))
    await new Promise(next => setTimeout(next, 10));
}

/** Lets the provider go on with the answer to the words that hold this mark. */
export const letGo = mark => fetch(`${provider}go?${mark}`);

/** The whole of a stream whose provider says nothing before something has come that `is` knows: what fills its silence. */
export async function silence(mark, response, is) {
  let raw = '';
  for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
    raw += piece;
    if (is.test(raw))
      await letGo(mark);
  }
  return raw;
}

/** Runs every scenario in order; a failing one does not keep the others from running. */
export async function run(client, scenarios) {
  for (const [scenario, act] of Object.entries(scenarios)) {
    let ok = true;
    let detail;
    let timer;
    try {
      const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`no end after ${mostMs} ms`)), mostMs); });
      detail = (await Promise.race([act(), late])) ?? '';
    } catch (e) {
      ok = false;
      detail = `${e?.name ?? 'Error'}: ${e?.message ?? e}`;
    } finally {
      clearTimeout(timer);
    }
    console.log(JSON.stringify({ client, scenario, ok, detail: String(detail) }));
  }
  process.exit(0); // a scenario that hangs would otherwise keep the process
}

/** A fetch that counts how often it was asked. */
export function counting() {
  const counted = (...args) => { counted.count++; return fetch(...args); };
  counted.count = 0;
  return counted;
}

/** The error that `act` is meant to end in. */
export async function failure(act) {
  try {
    await act();
  } catch (e) {
    return e;
  }
  throw new Error('nothing was thrown');
}
