// What of the gateway asks for a token: bearer-token and challenge, mcp-api, ws-api. Second of two, after apis.bicep:
// saving validate-jwt makes API Management fetch openid-configuration and the keys, over the gateway's own public name,
// so scripts/deploy-gateway.sh runs this once both answer there.
@description('Name of the API Management service.')
param apimName string

@description('The MCP server as the gateway reaches it, inside the network.')
param mcpserverInternalUrl string

var fragments = {
  'bearer-token': loadTextContent('fragments/bearer-token.xml')
  challenge: loadTextContent('fragments/challenge.xml')
}

var webSocket = loadJsonContent('ws-api/openapi.json')
var webSocketBase = replace(replace(mcpserverInternalUrl, 'https://', 'wss://'), 'http://', 'ws://')

resource service 'Microsoft.ApiManagement/service@2024-05-01' existing = {
  name: apimName
}

// One after the other: the service refuses changes of one moment.
@batchSize(1)
resource tokenFragment 'Microsoft.ApiManagement/service/policyFragments@2024-05-01' = [
  for entry in items(fragments): {
    parent: service
    name: entry.key
    properties: { format: 'xml', value: entry.value }
  }
]

resource mcpApi 'Microsoft.ApiManagement/service/apis@2024-05-01' = {
  parent: service
  name: 'mcp-api'
  properties: {
    format: 'openapi+json'
    value: loadTextContent('mcp-api/openapi.json')
    path: 'mcp'
    protocols: ['https']
    serviceUrl: mcpserverInternalUrl
    subscriptionRequired: false
  }
  dependsOn: [tokenFragment]
}

resource mcpPolicy 'Microsoft.ApiManagement/service/apis/policies@2024-05-01' = {
  parent: mcpApi
  name: 'policy'
  properties: { format: 'xml', value: loadTextContent('mcp-api/policy.xml') }
}

// A WebSocket API is not imported: it has one operation, onHandshake, which API Management makes itself, and whose
// policy is the API's. The server behind is part of the API, for there a policy can choose none.
resource webSocketApi 'Microsoft.ApiManagement/service/apis@2024-05-01' = {
  parent: service
  name: 'ws-api'
  properties: {
    apiType: 'websocket'
    type: 'websocket'
    displayName: webSocket.info.title
    description: webSocket.info.description
    path: 'mcp/ws'
    protocols: ['wss']
    serviceUrl: replace(webSocket['x-service-url'], '{{mcpserver-url}}', webSocketBase)
    subscriptionRequired: false
  }
  dependsOn: [mcpPolicy]
}

resource handshake 'Microsoft.ApiManagement/service/apis/operations@2024-05-01' existing = {
  parent: webSocketApi
  name: 'onHandshake'
}

resource handshakePolicy 'Microsoft.ApiManagement/service/apis/operations/policies@2024-05-01' = {
  parent: handshake
  name: 'policy'
  properties: { format: 'xml', value: loadTextContent('ws-api/policy.xml') }
}
