// Yamux as its specification means it: a window update when half of the window is used up. js-yamux sends one after every
// data frame, so that each small frame costs a second one back, with its encryption, its system call and the other side's
// wake-up. It changes when credit is given, never how much.
import { yamux } from '@chainsafe/libp2p-yamux'
import { StreamState, YamuxStream } from '@chainsafe/libp2p-yamux/stream'

export type Muxer = ReturnType<typeof yamux>

export function thriftyYamux(...options: Parameters<typeof yamux>): Muxer {
  YamuxStream.prototype.sendWindowUpdate = sendWindowUpdate
  return yamux(...options)
}

const { sendWindowUpdate: sendEachTime } = YamuxStream.prototype

function sendWindowUpdate(this: YamuxStream): void {
  // Before a stream is established the update carries the flags that establish it.
  if (this.state === StreamState.Established && this['recvWindowCapacity'] > this['recvWindow'] / 2) return
  sendEachTime.call(this)
}
