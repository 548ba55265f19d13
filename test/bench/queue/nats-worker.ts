// A worker process of JetStream, started by the benchmark with the port of the server.
import { jetstream } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { createTally } from './contender.ts'
import { DONE, DURABLE, STREAM } from './nats-queue.ts'

const tally = createTally()
const connection = await connect({ servers: `127.0.0.1:${process.argv[2]}` })
const consumer = await jetstream(connection).consumers.get(STREAM, DURABLE)
await consumer.consume({
  max_messages: 500,
  callback(message) {
    if (message.subject === 'work.many') {
      message.ack()
      tally.add()
    } else {
      // Told only when the server has confirmed: the publisher then knows that nobody does it again.
      void message.ackAck().then(() => connection.publish(DONE, message.string()))
    }
  },
})
tally.ready()
