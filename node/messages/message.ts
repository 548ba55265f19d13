// A message as the board keeps it, and who may be its reader.
import type { MessageId, PeerId, TaskId } from '../../protocols/ids.ts'
import type { MessageRecord } from '../../protocols/plan/message-records.ts'

export type Message = {
  id: MessageId
  author: PeerId
  record: MessageRecord
  /** Of its body. */
  bytes: number
}
/** A worker, or a task that runs on it. */
export type Reader = { worker: PeerId; task?: TaskId }
