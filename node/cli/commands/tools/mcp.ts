// The mesh as tools for an agent, over the standard streams (Model Context Protocol): started by the agent beside itself, with the
// address and token of its session in NIMBUS_URL and NIMBUS_TOKEN. Standard output belongs to the protocol alone.
import type { Command } from 'commander'
import { once } from 'node:events'
import type { NodeCall } from '../../../agents/mcp/tool.ts'
import { createHoldingClock } from '../../../kernel/clock.ts'
import { messageOf } from '../../../kernel/errors.ts'
import { createClient } from '../../client.ts'
import type { Action, Cli } from '../../context.ts'

/** One message of a client: tools take up to 64 kB of text. */
const MESSAGE_BYTES_MAX = 1024 * 1024

export function addMcpCommands(program: Command, action: Action, { version }: { version: string }): void {
  program
    .command('mcp')
    .description('tools of the mesh for an agent, over stdin and stdout (MCP); the same as /mcp of a node')
    .action(action((cli) => serve(cli, version)))
}

async function serve(cli: Cli, version: string): Promise<void> {
  const { stdin, stdout } = cli.io
  const [{ StdioServerTransport, serveStdio }, { createMeshServer }] = await Promise.all([
    import('@modelcontextprotocol/server/stdio'),
    import('../../../agents/mcp/mesh-server.ts'),
  ])
  const client = await createClient(cli)
  const call: NodeCall = (method, path, options = {}) => client.call(method, path, options)
  const clock = createHoldingClock()
  const ended = once(stdin, 'close')
  const server = serveStdio(() => createMeshServer({ call, clock, version }), {
    transport: new StdioServerTransport(stdin, stdout, { maxBufferSize: MESSAGE_BYTES_MAX }),
    onerror: (error) => cli.note(`nimbus mcp: ${messageOf(error)}`),
  })
  await ended
  await server.close()
}
