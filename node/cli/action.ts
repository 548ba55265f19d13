// How a command hands its work to the program.
import type { Cli } from './context.ts'

/** Registers a command's work; what it returns is the exit code, 0 where it returns nothing. */
export type Action = (work: (cli: Cli, words: string[], options: Record<string, unknown>) => Promise<number | void>) => (...given: unknown[]) => Promise<void>
