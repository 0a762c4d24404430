// A Sigstore instance on loopback for the tests of signing without a key: `@sigstore/mock` has the certificate authority, the logs and the timestamp authority, this
// speaks HTTP for it. Where the mock repeats a request instead of answering as Rekor does, the entry is written here.
//
// node instance.cjs FOLDER: writes `trusted_root.json` there, then prints its address. It ends with its standard input.
const crypto = require('crypto');
const fs = require('fs');
const http = require('http');
const path = require('path');
const canonicalize = require('canonicalize');
const { initializeCA, initializeCTLog, initializeTLog, initializeTSA, fulcioHandler } = require('@sigstore/mock');

const keyPair = () => crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
const sha256 = (bytes) => crypto.createHash('sha256').update(bytes).digest();
const base64 = (bytes) => Buffer.from(bytes).toString('base64');

// The SHA-256 and the nonce of a `TimeStampReq`, whose parts stand at fixed places in a query without extensions.
function query(der) {
  if (der[0] !== 0x30 || der[2] !== 2 || der[5] !== 0x30) throw new Error('no query');
  return { artifactHash: der.subarray(24, 56), nonce: 1, hashAlgorithmOID: '2.16.840.1.101.3.4.2.1', policyOID: '1.3.6.1.4.1.57264.2', certReq: true };
}

// The body of the entry that Rekor 1 makes of a request.
function firstBody(request) {
  if (request.kind !== 'dsse') return request;
  const { envelope, verifiers } = request.spec.proposedContent;
  const parsed = JSON.parse(envelope);
  const hash = (bytes) => ({ algorithm: 'sha256', value: sha256(bytes).toString('hex') });
  return {
    apiVersion: '0.0.1', kind: 'dsse',
    spec: {
      envelopeHash: hash(envelope), payloadHash: hash(Buffer.from(parsed.payload, 'base64')),
      signatures: parsed.signatures.map(({ sig }, at) => ({ signature: sig, verifier: verifiers[at] })),
    },
  };
}

// The entry that Rekor 2 answers with.
function second(log, request) {
  const { digest, signature } = request.hashedRekordRequestV002;
  const spec = { hashedRekordV002: { data: { algorithm: 'SHA2_256', digest }, signature } };
  const body = Buffer.from(canonicalize({ apiVersion: '0.0.2', kind: 'hashedrekord', spec }));
  const logID = sha256(log.publicKey);
  const origin = log.host.split(':')[0];
  const rootHash = sha256(Buffer.concat([Buffer.from([0]), body]));
  const note = `${origin}\n1\n${base64(rootHash)}\n`;
  const signed = Buffer.concat([logID.subarray(0, 4), crypto.sign('sha256', Buffer.from(note), log.privateKey)]);
  return {
    logIndex: '0', logId: { keyId: base64(logID) }, kindVersion: { kind: 'hashedrekord', version: '0.0.2' }, integratedTime: '0',
    inclusionProof: { logIndex: '0', rootHash: base64(rootHash), treeSize: '1', hashes: [], checkpoint: { envelope: `${note}\n\u2014 ${origin} ${base64(signed)}\n` } },
    canonicalizedBody: base64(body),
  };
}

function trustedRoot(url, ca, ctlog, log, tsa) {
  const validFor = { start: new Date(Date.now() - 3600e3).toISOString() };
  const key = (rawBytes) => ({ rawBytes: base64(rawBytes), keyDetails: 'PKIX_ECDSA_P256_SHA_256', validFor });
  const authority = (...certificates) => ({ subject: { organization: 'test', commonName: 'test' }, uri: url, certChain: { certificates: certificates.map((bytes) => ({ rawBytes: base64(bytes) })) }, validFor });
  const instance = (publicKey) => ({ baseUrl: url, hashAlgorithm: 'SHA2_256', publicKey: key(publicKey), logId: { keyId: base64(sha256(publicKey)) } });
  return {
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: [instance(log.publicKey)], ctlogs: [instance(ctlog.publicKey)],
    certificateAuthorities: [authority(ca.rootCertificate)], timestampAuthorities: [authority(tsa.intCertificate, tsa.rootCertificate)],
  };
}

async function main(folder) {
  const server = http.createServer();
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  const url = `http://127.0.0.1:${server.address().port}`;
  const authorityKey = keyPair();
  const ctlog = await initializeCTLog(keyPair());
  const ca = await initializeCA(authorityKey, ctlog);
  const log = await initializeTLog(url, keyPair());
  const tsa = await initializeTSA(keyPair());
  tsa.getCurrentTime = () => new Date(Math.floor(Date.now() / 1000) * 1000);
  fs.writeFileSync(path.join(folder, 'trusted_root.json'), JSON.stringify(trustedRoot(url, ca, ctlog, log, tsa)));
  const fulcio = fulcioHandler(ca);
  const answers = {
    '/api/v2/signingCert': async (body) => {
      const request = JSON.parse(body);
      // cosign sends a key instead.
      if (request.certificateSigningRequest) request.certificateSigningRequest = Buffer.from(request.certificateSigningRequest, 'base64').toString();
      const { statusCode, response } = await fulcio.fn(JSON.stringify(request));
      if (statusCode !== 201) throw new Error(response);
      return response;
    },
    '/api/v1/log/entries': async (body) => JSON.stringify(await log.log(firstBody(JSON.parse(body)))),
    '/api/v2/log/entries': async (body) => JSON.stringify(second(log, JSON.parse(body))),
    '/api/v1/timestamp': async (body) => tsa.timestamp(query(body)),
    // What a job on GitHub Actions asks for its token.
    '/token?job=1&audience=sigstore': async (_, headers) => {
      if (headers.authorization !== 'Bearer job-secret') throw new Error('not this job');
      return JSON.stringify({ value: fs.readFileSync(path.join(folder, 'token'), 'utf8') });
    },
  };
  server.on('request', (request, response) => {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', async () => {
      try {
        const answer = answers[request.url];
        if (!answer) throw new Error(`nothing is at ${request.url}`);
        const body = await answer(Buffer.concat(parts), request.headers);
        response.writeHead(201).end(Buffer.from(body));
      } catch (error) {
        response.writeHead(400).end(String(error));
      }
    });
  });
  console.log(url);
  process.stdin.resume().on('end', () => process.exit(0));
}

main(process.argv[2]);
