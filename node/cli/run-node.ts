// What the command line needs of a node that it starts in its own process.
import type { Cli } from './context.ts'

export type ReadyLine = { name: string; http: string; signInUrl: string; peerId: string; mesh: string; addresses: string[]; pid: number }
/** The values of the flags that were given, under the keys of the configuration. */
export type UpFlags = Record<string, string | number | boolean | string[] | Record<string, string> | undefined>
/** Starts a node and resolves with its exit code once it has stopped. */
export type RunNode = (cli: Cli, flags: UpFlags, ready: (info: ReadyLine) => void) => Promise<number>
/** `binFile` is what a background node is started with; `configHelp` ends the help of `up`. */
export type ProgramComponents = { runNode: RunNode; version: string; commit?: string; configHelp: string; binFile: string }
