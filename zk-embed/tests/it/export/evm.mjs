// Compiles contracts and calls them: `node evm.mjs SOURCE.sol CALLS.json [viaIR]`. Calls are a list of
// {contract, method, data}, data in hex without the selector. Prints, as JSON, of each contract its
// code and methods, and of each call what it answered (hex), or that it failed.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [source, calls, viaIR] = process.argv.slice(2);
const require = createRequire(join(process.env.PEERS, 'package.json'));
const solc = require('solc');
const { createEVM } = require('@ethereumjs/evm');
const { bytesToHex, hexToBytes } = require('@ethereumjs/util');

const input = {
  language: 'Solidity',
  sources: { it: { content: readFileSync(source, 'utf8') } },
  settings: {
    optimizer: { enabled: true, runs: viaIR ? 1_000_000 : 200 },
    viaIR: viaIR === 'viaIR',
    outputSelection: {
      '*': { '*': ['evm.bytecode.object', 'evm.deployedBytecode.object', 'evm.methodIdentifiers'] },
    },
  },
};
const compiled = JSON.parse(solc.compile(JSON.stringify(input)));
const complaints = (compiled.errors ?? []).map((error) => error.formattedMessage);
const contracts = {};
const evm = await createEVM();
for (const [name, { evm: made }] of Object.entries(compiled.contracts?.it ?? {})) {
  const { createdAddress, execResult } = await evm.runCall({
    data: hexToBytes(`0x${made.bytecode.object}`),
    gasLimit: 30_000_000n,
  });
  if (execResult.exceptionError) complaints.push(`${name}: ${execResult.exceptionError.error}`);
  contracts[name] = {
    code: made.deployedBytecode.object,
    methods: made.methodIdentifiers,
    address: createdAddress,
  };
}
const answers = [];
for (const { contract, method, data } of JSON.parse(readFileSync(calls, 'utf8'))) {
  const { address, methods } = contracts[contract];
  const { execResult } = await evm.runCall({
    to: address,
    data: hexToBytes(`0x${methods[method]}${data}`),
    gasLimit: 30_000_000n,
  });
  answers.push({
    answer: execResult.exceptionError ? 'failed' : bytesToHex(execResult.returnValue).slice(2),
    gas: Number(execResult.executionGasUsed),
  });
}
for (const contract of Object.values(contracts)) delete contract.address;
console.log(JSON.stringify({ complaints, contracts, answers }));
