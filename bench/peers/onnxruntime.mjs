// node onnxruntime.mjs MODEL THREADS VOCABULARY: onnxruntime as npm carries it, doing what a line on its input says and answering with a line, as
// `Fairlead.Bench encoder-driver` does for our encoder: `encode LENGTH,LENGTH,…`. Texts are padded to the longest, which is how onnxruntime takes a batch.
import fs from "node:fs";
import readline from "node:readline";
import ort from "onnxruntime-node";

const [path, threads, vocabulary] = [process.argv[2], ...process.argv.slice(3).map(Number)];
const version = JSON.parse(fs.readFileSync(new URL("node_modules/onnxruntime-node/package.json", import.meta.url))).version;
const loading = performance.now();
const session = await ort.InferenceSession.create(path, {executionProviders: ["cpu"], intraOpNumThreads: threads, interOpNumThreads: 1, graphOptimizationLevel: "all"});
say({loaded: (performance.now() - loading) / 1000, engine: `onnxruntime ${version}`});

for await (const line of readline.createInterface({input: process.stdin})) {
    const lengths = line.split(" ")[1].split(",").map(Number);
    const feeds = padded(lengths);
    const cpu = process.cpuUsage(), from = performance.now();
    const {hidden} = await session.run(feeds);
    const seconds = (performance.now() - from) / 1000, used = process.cpuUsage(cpu);
    const first = (lengths.length - 1) * hidden.dims[1] * hidden.dims[2];
    say({
        seconds, cpu: (used.user + used.system) / 1e6, tokens: lengths.reduce((sum, length) => sum + length), rss: process.memoryUsage.rss(),
        values: [...hidden.data.subarray(first, first + 16)]
    });
}
process.exit(0);

function padded(lengths) {
    const longest = Math.max(...lengths), shape = [lengths.length, longest];
    const [tokens, positions, segments] = [0, 0, 0].map(() => new Int32Array(lengths.length * longest));
    let next = 0;
    lengths.forEach((length, text) => {
        for (let i = 0; i < longest; i++) {
            const at = text * longest + i;
            positions[at] = i;
            if (i < length)
                tokens[at] = 1 + next++ % (vocabulary - 1);
        }
    });
    return {
        tokens: new ort.Tensor("int32", tokens, shape), positions: new ort.Tensor("int32", positions, shape), segments: new ort.Tensor("int32", segments, shape),
        lengths: new ort.Tensor("int32", Int32Array.from(lengths), [lengths.length])
    };
}

function say(answer) {
    process.stdout.write(JSON.stringify(answer) + "\n");
}
