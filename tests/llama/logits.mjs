// node logits.mjs JOBS.json: asks llama.cpp for the logits of each job, in order, on the processor alone and with one thread.
// A job is { model, tokens, greedy, output }: the file, the ids of the prompt, how many tokens to add greedily, and where to write
// the logits: single precision, little endian, [tokens + greedy] rows of the vocabulary; a row is the scores after its token.
// Prints a line of JSON for each job: { tokens }, the ids that were added, or { error }.
import fs from "node:fs";
import {getLlama, LlamaLogLevel} from "node-llama-cpp";

const jobs = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
const llama = await getLlama({gpu: false, build: "never", skipDownload: true, progressLogs: false, logLevel: LlamaLogLevel.error, maxThreads: 1});
for (const job of jobs) {
    try {
        console.log(JSON.stringify({tokens: await answer(job)}));
    } catch (error) {
        console.log(JSON.stringify({error: String(error?.message ?? error)}));
    }
}
await llama.dispose();

async function answer({model: modelPath, tokens, greedy, output}) {
    const model = await llama.loadModel({modelPath, gpuLayers: 0, ignoreMemorySafetyChecks: true});
    const context = await model.createContext({
        contextSize: 256, batchSize: 256, threads: 1, flashAttention: false, ignoreMemorySafetyChecks: true,
        experimentalKvCacheKeyType: "F32", experimentalKvCacheValueType: "F32"
    });
    try {
        const sequence = context.getSequence();
        const rows = [];
        const evaluate = async (ids) => {
            const results = await sequence.controlledEvaluate(ids.map((id) => [id, {generateNext: {logits: true}}]));
            for (const result of results)
                rows.push(dense(result.next.logits));
        };
        await evaluate(tokens);
        const added = [];
        for (let i = 0; i < greedy; i++) {
            added.push(argmax(rows.at(-1)));
            await evaluate([added.at(-1)]);
        }
        fs.writeFileSync(output, Buffer.concat(rows.map((row) => Buffer.from(row.buffer))));
        return added;
    } finally {
        await context.dispose();
        await model.dispose();
    }
}

function dense(logits) { // a Map from token to logit
    const row = new Float32Array(logits.size);
    for (const [token, logit] of logits)
        row[token] = logit;
    return row;
}

function argmax(row) {
    let best = 0;
    for (let i = 1; i < row.length; i++) {
        if (row[i] > row[best])
            best = i;
    }
    return best;
}
