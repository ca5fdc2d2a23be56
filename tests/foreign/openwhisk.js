// The `openwhisk` client of npm against a served cluster, through its edge.
// Wants cluster.env in the environment; run where node_modules has the client.
'use strict';
const assert = require('assert');
const { createRequire } = require('module');
const openwhisk = createRequire(process.cwd() + '/')('openwhisk');

async function record(ow, name) {
  for (let i = 0; i < 50; i++) {
    try {
      return await ow.activations.get({ name });
    } catch (error) {
      if (error.statusCode !== 404) throw error;
      await new Promise(ok => setTimeout(ok, 200));
    }
  }
  throw new Error(`no record of ${name}`);
}

// The other controller's cache hears of it a moment later (RemoteCacheInvalidation.scala:67-100).
async function forgotten(ow, name) {
  for (let i = 0, refused = 0; i < 50; i++) {
    const status = await ow.actions.invoke({ name, blocking: true }).then(() => 200, e => e.statusCode);
    refused = status === 404 ? refused + 1 : 0;
    if (refused === 4) return;
    await new Promise(ok => setTimeout(ok, 50));
  }
  throw new Error(`${name} can still be invoked`);
}

async function main() {
  const ow = openwhisk({ apihost: process.env.ROLLCAGE_EDGE_URL, api_key: process.env.ROLLCAGE_AUTH_guest });
  const name = 'from-npm';

  const made = await ow.actions.create({ name, action: 'function main(p) { return p }', kind: 'nodejs:20' });
  assert.strictEqual(made.namespace, 'guest');
  await assert.rejects(ow.actions.create({ name, action: 'x', kind: 'nodejs:20' }), e => e.statusCode === 409);
  const updated = await ow.actions.update({ name, action: 'function main(q) { return q }', kind: 'nodejs:20' });
  assert.strictEqual(updated.version, '0.0.2');
  // The edge may ask the other controller, which knows the old version until it is told.
  let code = '';
  for (let i = 0; i < 20 && !code.includes('main(q)'); i++) code = (await ow.actions.get({ name })).exec.code;
  assert.ok(code.includes('main(q)'));
  assert.ok((await ow.actions.list({ limit: 200 })).some(a => a.name === name));

  const blocking = await ow.actions.invoke({ name, blocking: true, params: { a: 1 } });
  assert.deepStrictEqual(blocking.response, { result: { a: 1 }, status: 'success', success: true });
  const result = await ow.actions.invoke({ name, blocking: true, result: true, params: { a: 2 } });
  assert.deepStrictEqual(result, { a: 2 });
  const { activationId } = await ow.actions.invoke({ name, params: { a: 3 } });
  assert.match(activationId, /^[0-9a-f]{32}$/);

  const kept = await record(ow, activationId);
  assert.strictEqual(kept.response.status, 'success');
  assert.strictEqual((await ow.activations.result({ name: activationId })).success, true);
  assert.deepStrictEqual(await ow.activations.logs({ name: activationId }), { logs: [] });
  const listed = await ow.activations.list({ name, limit: 10 });
  assert.deepStrictEqual(listed.map(a => a.name), [name, name, name]);
  assert.strictEqual(listed[0].activationId, activationId);
  assert.deepStrictEqual(await ow.namespaces.list(), ['guest']);

  await ow.actions.delete({ name });
  await forgotten(ow, name);
  const nobody = openwhisk({ apihost: process.env.ROLLCAGE_EDGE_URL, api_key: 'no:body' });
  await assert.rejects(nobody.actions.list(), e => e.statusCode === 401);
  console.log(`openwhisk ${openwhisk_version()}, Node ${process.version}: create, update, get, list, invoke three ways, activations, delete`);
}

function openwhisk_version() {
  return createRequire(process.cwd() + '/')('openwhisk/package.json').version;
}

main().catch(error => {
  console.error(error);
  process.exit(1);
});
