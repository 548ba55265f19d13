// The official client of the protocol, speaking with a real node over either transport, in either era of the protocol.
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { BIN, cleanEnv } from '../../support/real-mesh.ts'

export type Transport = 'stdio' | 'http' | 'http-2026'
export type ToolAnswer = { isError: boolean; body: Record<string, unknown> & { error?: { code: string; message: string; cure?: string } } }
export type McpClient = {
  client: Client
  tools(): Promise<string[]>
  call(tool: string, input?: Record<string, unknown>, options?: Parameters<Client['callTool']>[1]): Promise<ToolAnswer>
  close(): Promise<void>
}

export async function connectMcp(how: Transport, { url, token }: { url: string; token: string }): Promise<McpClient> {
  const client = new Client(
    { name: 'test', version: '1' },
    how === 'http-2026' ? { versionNegotiation: { mode: { pin: '2026-07-28' } } } : {},
  )
  const transport =
    how === 'stdio'
      ? new StdioClientTransport({
          command: process.execPath,
          args: [BIN, 'mcp'],
          env: cleanEnv({ NIMBUS_URL: url, NIMBUS_TOKEN: token }),
          stderr: 'pipe',
        })
      : new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit: { headers: { authorization: `Bearer ${token}` } } })
  await client.connect(transport)
  return {
    client,
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    async call(tool, input = {}, options) {
      const { isError = false, content } = await client.callTool({ name: tool, arguments: input }, options)
      const [first] = content
      if (first?.type !== 'text') throw new Error(`${tool} answered no text`)
      return { isError, body: JSON.parse(first.text) as ToolAnswer['body'] }
    },
    close: () => client.close(),
  }
}
