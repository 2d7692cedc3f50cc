// Uploads a file with tus-js-client: URL, bearer token, metadata as JSON, file. Prints the
// upload's address.

import fs from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(process.env.PEERS + "/package.json");
const tus = require("tus-js-client");
const [url, token, metadata, path] = process.argv.slice(2);
const common = {
  endpoint: url,
  headers: { Authorization: `Bearer ${token}` },
  metadata: JSON.parse(metadata),
  chunkSize: 3000,
  retryDelays: null,
  uploadSize: fs.statSync(path).size,
};

// Stops after the first part; another upload goes on from there.
const first = await new Promise((resolve, reject) => {
  const upload = new tus.Upload(fs.createReadStream(path), {
    ...common,
    onError: reject,
    onChunkComplete: () => upload.abort().then(() => resolve(upload.url), reject),
    onSuccess: () => reject(new Error("it was to be stopped")),
  });
  upload.start();
});
await new Promise((resolve, reject) => {
  const upload = new tus.Upload(fs.readFileSync(path), {
    ...common,
    uploadUrl: first,
    onError: reject,
    onSuccess: resolve,
  });
  upload.start();
});
console.log(first);
