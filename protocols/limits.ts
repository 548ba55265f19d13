// Every size that a peer or a client may reach, in one place, each with its reason.

/** Entries in one block: one signature and one LevelDB batch are shared by them. */
export const BLOCK_ENTRIES_MAX = 256
/** Bytes of one block's body: two of them fit in one yamux window with room for control frames. */
export const BLOCK_BYTES_MAX = 256 * 1024
/** Bytes of one frame on a link, after the length prefix: one block and its envelope. */
export const FRAME_BYTES_MAX = 512 * 1024
/** Logs, authors or statuses named in one message between neighbours. */
export const HEADS_MAX = 256
/** Bytes of what one member says of itself. */
export const STATUS_BYTES_MAX = 512
/** Bytes of one gossip message: announcements only; libp2p kills the direction of a link that exceeds the receiver's limit. */
export const GOSSIP_BYTES_MAX = 16 * 1024
/** Bytes of one task record: its spec is kept in memory on every node. */
export const TASK_BYTES_MAX = 64 * 1024
/** A block that claims to come from further in the future than this waits (it is never altered). */
export const FUTURE_MS_MAX = 60_000
/** Tasks of one batch record: their IDs share all but two characters of base32. */
export const TASK_BATCH_MAX = 1024
/** Register operations in one request to a keeper, and registers in one record of a log. */
export const REGISTER_BATCH_MAX = 1024
/** The same for names, whose values grow with their holders: eight of the largest fit in a frame. */
export const NAME_BATCH_MAX = 8
/** Bytes of the value of a name: beyond it the name counts as full. */
export const NAME_BYTES_MAX = 48 * 1024
/** Places in one name. */
export const NAME_PLACES_MAX = 1_024
/** Nodes whose last operation a name remembers, so that a repeated proposal counts once. */
export const NAME_WRITERS_MAX = 256
/** Branches and tags of one hosted repository: with the longest names fewer fit in the value of a name. */
export const HOSTED_REFS_MAX = 512
/** Pieces of time into which the starts of a rate are sorted, and a few to spare. */
export const NAME_STARTS_MAX = 80
/** Names that one seat keeps: nothing signed stands behind a name, so anybody may invent one. */
export const NAMES_MAX = 10_000
/** Leases of different lengths that one node may hold at a time: they are renewed in one message. */
export const TERMS_MAX = 32
/** Commits of history that a task may ask for, and folders of a sparse clone. */
export const CHECKOUT_DEPTH_MAX = 100_000
export const SPARSE_PATHS_MAX = 64
/** Notes in one outcome, and signs of each: the longest names a few files of a repository. */
export const NOTES_MAX = 8
export const NOTE_CHARS_MAX = 1_000
/** Bytes of output that one attempt may keep; more is counted, not kept. */
export const LOG_BYTES_MAX = 64 * 1024 * 1024
/** Bytes of the end of the output that a result carries inline. */
export const TAIL_BYTES_MAX = 4 * 1024
/** Bytes of a REST body. */
export const BODY_BYTES_MAX = 1024 * 1024
/** Bytes of a REST body that publishes many tasks: it is read task by task. */
export const PUBLISH_BODY_BYTES_MAX = 16 * 1024 * 1024
/** Depth of a JSON body: deeper ones survive JSON.parse but not JSON.stringify. */
export const JSON_DEPTH_MAX = 32
/** Tasks that one request may publish: one body of that size, one batch of blocks. */
export const PUBLISH_MAX = 10_000
/** Tasks that one task may wait for: its record names each of them. */
export const AFTER_MAX = 1_000
/** Files that one attempt may hand on: the list travels inside its result. */
export const ARTIFACTS_MAX = 256
/** Bytes of one message: every member keeps it in memory until it is read. */
export const MESSAGE_BYTES_MAX = 64 * 1024
/** Messages that one mark of its reader names. */
export const READ_MAX = 256
/** Levels of tasks that tasks published, below the first one. */
export const FAMILY_DEPTH_MAX = 8
/** Tasks that one task may publish. */
export const CHILDREN_MAX = 1_000
/** Bytes of one blob that a client may bring: a folder, stdin. The worker fetches all of it before the command starts. */
export const BLOB_BYTES_MAX = 256 * 1024 * 1024
/** Files and folders in one shipped folder. */
export const FOLDER_ENTRIES_MAX = 20_000
/** Bytes of all files that one attempt may hand on. */
export const ARTIFACT_BYTES_MAX = 256 * 1024 * 1024
/** Bytes of their list: it travels inside the result, which every node keeps. */
export const ARTIFACT_LIST_BYTES_MAX = 48 * 1024
/** Files from which a service is put together: what one attempt may hand on. */
export const SERVICE_FILES_MAX = 256
/** Revisions of a service that can be gone back to. */
export const SERVICE_REVISIONS_MAX = 8
/** Bytes of one secret: it becomes a variable of an environment. */
export const SECRET_BYTES_MAX = 16 * 1024
/** Workers that one record lets open a secret: each costs some 140 bytes of a block. */
export const SECRET_READERS_MAX = 512
/** Characters of one text that a session says or is told: a prompt, a message, the output of a tool. */
export const AGENT_TEXT_MAX = 16 * 1024
/** Characters of one event of a session as JSON: two texts, escaped at the worst. */
export const SESSION_LINE_MAX = 128 * 1024
/** Files that the record of a session names; more are counted by its diff. */
export const SESSION_FILES_MAX = 100
/** Requests of one session that wait for an answer, or were answered last. */
export const SESSION_ASKS_MAX = 16
/** Orders that a session remembers as done: as many as may wait for it, so that none is done twice. */
export const SESSION_TAKEN_MAX = 256
/** Bytes of what a session saves of itself, encrypted: conversation, notes and changes; a larger one is not saved, and says so. */
export const SESSION_SAVE_BYTES_MAX = 64 * 1024 * 1024
/** Workers that may take over one session: each costs some 140 bytes of its record. */
export const SESSION_READERS_MAX = 16
/** Members that are named as having a save. */
export const SESSION_COPIES_MAX = 8
/** Bytes of a question to people, and of what it shows beside: it is part of a task's record. */
export const QUESTION_BYTES_MAX = 8 * 1024
export const QUESTION_DETAIL_BYTES_MAX = 32 * 1024
export const QUESTION_CHOICES_MAX = 10
/** Bytes of one text of knowledge: every member keeps it in memory. */
export const KNOWLEDGE_BYTES_MAX = 16 * 1024
/** Bytes of an answer: it is part of a register's value, as the end of an output is. */
export const ANSWER_BYTES_MAX = 4 * 1024
/** Columns and rows of a terminal: with its history, one of this size keeps 30 MB of cells. */
export const TERMINAL_COLS_MAX = 500
export const TERMINAL_ROWS_MAX = 300
/** Lines above the screen that a terminal keeps. */
export const TERMINAL_HISTORY_MAX = 5_000
/** Characters that a writer may type into a terminal in one message: a large paste comes in pieces. */
export const TERMINAL_INPUT_MAX = 32 * 1024
/** Bytes of output or of a screen in one frame of a terminal. */
export const TERMINAL_PIECE_BYTES_MAX = 64 * 1024
