// What an owner of containers does, by the vendor's own client:
// node azure.mjs ENDPOINT ACCOUNT KEY create|create-public|list|get|put|delete ...
import { createRequire } from "node:module";
import { readFileSync, writeFileSync } from "node:fs";

const require = createRequire(process.env.PEERS + "/package.json");
const { BlobServiceClient, StorageSharedKeyCredential } = require("@azure/storage-blob");

const [endpoint, account, key, command, name, object, path] = process.argv.slice(2);
const credential = new StorageSharedKeyCredential(account, key);
const container = new BlobServiceClient(endpoint, credential).getContainerClient(name);

const commands = {
    create: () => container.create(),
    // Anyone reads a blob whose name is known; a list is for the owner.
    "create-public": () => container.create({ access: "blob" }),
    list: async () => {
        for await (const blob of container.listBlobsFlat()) console.log(blob.name);
    },
    get: async () => writeFileSync(path, await container.getBlobClient(object).downloadToBuffer()),
    put: () => container.getBlockBlobClient(object).uploadData(readFileSync(path)),
    delete: () => container.deleteBlob(object),
};

await commands[command]();
