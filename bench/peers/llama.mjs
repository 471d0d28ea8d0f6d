// node llama.mjs MODEL THREADS CONTEXT SLOTS: llama.cpp as npm carries it, in its best variant for this processor or the one that ENGINE_LLAMA names, doing what
// a line on its input says and answering with a line, as `Fairlead.Bench engine-driver` does for our engine: `prefill TOKENS`, `decode CONTEXT TOKENS`,
// `batch SEQUENCES TOKENS`.
import fs from "node:fs";
import {createRequire} from "node:module";
import os from "node:os";
import path from "node:path";
import readline from "node:readline";
import {fileURLToPath} from "node:url";
import {getLlama, LlamaLogLevel} from "../../tests/llama/node_modules/node-llama-cpp/dist/index.js";

const [modelPath, ...numbers] = process.argv.slice(2);
const [threads, contextSize, slots] = numbers.map(Number);
const wanted = process.env.ENGINE_LLAMA;
const held = wanted ? withVariant(wanted) : null; // for as long as the process lives: what is collected of it takes llama.cpp's state along
let heard = [];
const llama = await getLlama({gpu: false, build: "never", skipDownload: true, progressLogs: false, logLevel: LlamaLogLevel.info, logger: hear, maxThreads: threads});
const loading = performance.now();
const model = await llama.loadModel({modelPath, gpuLayers: 0, ignoreMemorySafetyChecks: true});
const context = await model.createContext({
    contextSize, sequences: slots, batchSize: 512, performanceTracking: true, threads: {ideal: threads, min: threads}, ignoreMemorySafetyChecks: true
});
const loaded = (performance.now() - loading) / 1000;
const sequences = Array.from({length: slots}, () => context.getSequence());
say({loaded, engine: `llama.cpp ${JSON.parse(fs.readFileSync(new URL("../../tests/llama/node_modules/node-llama-cpp/llama/binariesGithubRelease.json", import.meta.url))).release}, ${variant()}`});

for await (const line of readline.createInterface({input: process.stdin})) {
    const [what, ...words] = line.split(" ");
    const [first, second] = words.map(Number);
    if (what === "prefill")
        say(await prefill(first));
    else if (what === "decode")
        say(await decode(1, first, second));
    else if (what === "batch")
        say(await decode(first, 16, second));
    else
        throw new Error(`what is ${line}?`);
}
process.exit(0);

async function prefill(tokens) {
    await sequences[0].clearHistory();
    const prompt = random(tokens);
    return await measured(async () => {
        for await (const token of sequences[0].evaluate(prompt, {temperature: 0}))
            break;
        return tokens;
    });
}

async function decode(count, length, tokens) {
    const used = sequences.slice(0, count);
    for (const sequence of used) {
        await sequence.clearHistory();
        await sequence.evaluateWithoutGeneratingNewTokens(random(length - 1));
    }
    return await measured(async () => {
        let done = 0;
        await Promise.all(used.map(async (sequence) => {
            let left = tokens;
            for await (const token of sequence.evaluate(random(1), {temperature: 0, yieldEogToken: true})) {
                done++;
                if (--left === 0)
                    break;
            }
        }));
        return done;
    });
}

async function measured(what) {
    await context.printTimings(); // which sets them to nothing
    const cpu = process.cpuUsage(), from = performance.now();
    const tokens = await what();
    const seconds = (performance.now() - from) / 1000, used = process.cpuUsage(cpu);
    heard = [];
    await context.printTimings();
    return {seconds, own: own(), cpu: (used.user + used.system) / 1e6, tokens, rss: process.memoryUsage.rss()};
}

function hear(level, message) {
    if (level === "error" || level === "fatal")
        console.error(message);
    heard.push(message);
}

function own() { // seconds of its steps by its own clock: what node and choosing a token add is not in them
    const times = [...heard.join("\n").matchAll(/eval time =\s*([\d.]+) ms/g)].map((match) => Number(match[1]));
    return times.length === 0 ? null : times.reduce((sum, time) => sum + time) / 1000;
}

function random(count) { // any tokens but the special ones at the beginning and the last ones
    return Array.from({length: count}, () => 300 + Math.floor(Math.random() * 31000));
}

// A loader takes the variant that scores best in a folder, and none where there is one already: so the folder of a first loading has no other.
function withVariant(name) {
    const libraries = fileURLToPath(new URL("../../tests/llama/node_modules/@node-llama-cpp/linux-x64/bins/linux-x64/", import.meta.url));
    const file = `libggml-cpu-${name}.so`, folder = fs.mkdtempSync(path.join(os.tmpdir(), "fairlead-bench-"));
    try {
        fs.copyFileSync(path.join(libraries, file), path.join(folder, file));
        const addon = createRequire(import.meta.url)(path.join(libraries, "llama-addon.node"));
        addon.loadBackends(folder);
        return addon;
    } finally {
        fs.rmSync(folder, {recursive: true});
    }
}

function variant() {
    const loaded = [...new Set([...fs.readFileSync("/proc/self/maps", "utf8").matchAll(/libggml-cpu-([\w-]+)\.so/g)].map((match) => match[1]))];
    if (wanted && loaded.join() !== wanted)
        throw new Error(`llama.cpp was to compute with ${wanted}, and has loaded ${loaded.join(", ") || "nothing that is known"}`);
    return loaded.join(", ") || "variant unknown";
}

function say(answer) {
    process.stdout.write(JSON.stringify(answer) + "\n");
}
