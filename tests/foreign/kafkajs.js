// kafkajs against the cluster's broker: topics, produce, a group that commits and goes on; and what
// controllers write to a scheduler's topic, as the ActivationMessage it is (Message.scala:50-171).
// Wants cluster.env in the environment; run where node_modules has the client.
'use strict';
const assert = require('assert');
const { createRequire } = require('module');
const { AssignerProtocol, Kafka, logLevel } = createRequire(process.cwd() + '/')('kafkajs');

const kafka = new Kafka({
  clientId: 'foreign',
  brokers: [process.env.ROLLCAGE_KAFKA_BOOTSTRAP],
  logLevel: logLevel.NOTHING,
});
const topic = `kafkajs-${process.pid}`;

// The next `count` messages of the topics that are wanted, as `groupId`; commits each.
async function read(topics, groupId, count, wanted = () => true) {
  const consumer = kafka.consumer({ groupId });
  const seen = [];
  await consumer.connect();
  await consumer.subscribe({ topics, fromBeginning: true });
  await new Promise((done, failed) => {
    setTimeout(() => failed(new Error(`${groupId}: ${seen.length} of ${count} messages in 20 s`)), 20000).unref();
    const eachMessage = async ({ topic, partition, message }) => {
      if (seen.length === count || !wanted(message)) return;
      seen.push(message);
      await consumer.commitOffsets([{ topic, partition, offset: String(Number(message.offset) + 1) }]);
      if (seen.length === count) done();
    };
    consumer.run({ autoCommit: false, eachMessage }).catch(failed);
  });
  await consumer.disconnect();
  return seen;
}

async function groups(admin) {
  const producer = kafka.producer({ createPartitioner: require_partitioner() });
  const values = messages => messages.map(m => m.value.toString());
  assert.strictEqual(await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] }), true);
  assert.strictEqual(await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] }), false);
  assert.ok((await admin.listTopics()).includes(topic));
  await producer.connect();
  const [sent] = await producer.send({
    topic,
    messages: ['a', 'b', 'c', 'd'].map(value => ({ key: 'k', value, headers: { h: value } })),
  });
  assert.strictEqual(sent.baseOffset, '0');
  await producer.disconnect();

  const first = await read([topic], `group-${topic}`, 2);
  assert.deepStrictEqual(values(first), ['a', 'b']);
  assert.strictEqual(first[1].headers.h.toString(), 'b');
  assert.deepStrictEqual(values(await read([topic], `group-${topic}`, 2)), ['c', 'd']);
  const [offsets] = await admin.fetchOffsets({ groupId: `group-${topic}`, topics: [topic] });
  assert.strictEqual(offsets.partitions[0].offset, '4');
  const [ends] = await admin.fetchTopicOffsets(topic);
  assert.deepStrictEqual([ends.low, ends.high], ['0', '4']);
}

// The states of a group, the list of groups, and what is left of both when the topic goes.
async function administration(admin) {
  const groupId = `described-${topic}`;
  const gone = `gone-${topic}`;
  const describe = async () => (await admin.describeGroups([groupId])).groups[0];
  await admin.createTopics({ topics: [{ topic: gone, numPartitions: 1 }] });
  assert.strictEqual((await describe()).state, 'Dead');
  const consumer = kafka.consumer({ groupId });
  await consumer.connect();
  await consumer.subscribe({ topics: [gone] });
  const joined = new Promise(done => consumer.on(consumer.events.GROUP_JOIN, done));
  consumer.run({ eachMessage: async () => {} });
  await joined;
  const stable = await describe();
  assert.deepStrictEqual([stable.state, stable.protocolType, stable.errorCode], ['Stable', 'consumer', 0]);
  assert.strictEqual(stable.members.length, 1);
  assert.strictEqual(stable.members[0].clientId, 'foreign');
  assert.strictEqual(stable.members[0].clientHost, '/127.0.0.1');
  assert.deepStrictEqual(AssignerProtocol.MemberAssignment.decode(stable.members[0].memberAssignment).assignment, { [gone]: [0] });
  assert.ok((await admin.listGroups()).groups.some(g => g.groupId === groupId && g.protocolType === 'consumer'));
  await consumer.disconnect();
  assert.strictEqual((await describe()).state, 'Empty');

  await admin.deleteTopics({ topics: [gone] });
  assert.ok(!(await admin.listTopics()).includes(gone));
  assert.strictEqual((await describe()).state, 'Dead');
  const once = kafka.admin({ retry: { retries: 0 } });
  await once.connect();
  await assert.rejects(once.deleteTopics({ topics: [gone] }), /does not host this topic-partition/);
  await once.disconnect();
}

function require_partitioner() {
  return createRequire(process.cwd() + '/')('kafkajs').Partitioners.DefaultPartitioner;
}

async function activation() {
  // Whichever scheduler has the queues; the other's topic may hold nothing but warm-ups.
  const isOfGuest = m => JSON.parse(m.value).action.path === 'guest';
  const [found] = await read(['scheduler0', 'scheduler1'], `reader-${topic}`, 1, isOfGuest);
  const message = JSON.parse(found.value);
  assert.match(message.activationId, /^[0-9a-f]{32}$/);
  assert.match(message.revision, /^\d+-[0-9a-f]+$/);
  assert.match(message.action.name, /^[a-z-]+$/); // the load's, or another client's
  assert.strictEqual(typeof message.blocking, 'boolean');
  assert.strictEqual(message.rootControllerIndex.instanceType, 'controller');
  assert.strictEqual(message.user.namespace.name, 'guest');
  assert.strictEqual(message.user.authkey.api_key, process.env.ROLLCAGE_AUTH_guest);
  assert.strictEqual(message.transid.length >= 2, true);
  return message;
}

async function main() {
  const admin = kafka.admin();
  await admin.connect();
  const [, message] = await Promise.all([groups(admin), activation()]);
  await administration(admin);
  await admin.disconnect();
  const { version } = createRequire(process.cwd() + '/')('kafkajs/package.json');
  console.log(`kafkajs ${version}: topics, produce, a group that goes on, administration; a scheduler's topic has ${message.action.path}/${message.action.name}`);
}

main().catch(error => {
  console.error(error);
  process.exit(1);
});
