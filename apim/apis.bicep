// What of the gateway asks for no token: named values, fragments, root-api, auth-api, what is logged. First of two;
// the second is mcp-apis.bicep. Run by scripts/deploy-gateway.sh once the authorization server answers. Names and texts
// come from the files that the local gateway runs; only the values that differ in Azure are parameters.
@description('Name of the API Management service.')
param apimName string

@description('Where clients find the gateway; the issuer.')
param apimGatewayUrl string

@description('The servers as the gateway reaches them, inside the network.')
param authserverInternalUrl string
param mcpserverInternalUrl string

@description('Client id of id-apim, as whom telemetry is sent.')
param apimIdentityClientId string
param applicationinsightsConnectionString string

@description('Requests each signed-in person may send in a minute, all their clients together.')
param mcpCallsPerMinute string = '600'

@description('Requests without a token from one address in a minute; a hosted client\'s people share few addresses.')
param oauthCallsPerMinute string = '600'

var namedValues = loadJsonContent('named-values.json')
var values = {
  'authserver-url': authserverInternalUrl
  'mcpserver-url': mcpserverInternalUrl
  // Over the public name, through root-api: docs/adr/0037 says why.
  'openid-config-url': '${apimGatewayUrl}/.well-known/openid-configuration'
  'public-url': apimGatewayUrl
  issuer: apimGatewayUrl
  resource: '${apimGatewayUrl}/mcp'
  'challenge-scope': namedValues['challenge-scope'].value
  'mcp-calls-per-minute': mcpCallsPerMinute
  'oauth-calls-per-minute': oauthCallsPerMinute
}

var fragments = {
  'address-limit': loadTextContent('fragments/address-limit.xml')
  'backend-failure': loadTextContent('fragments/backend-failure.xml')
  'public-origin': loadTextContent('fragments/public-origin.xml')
}

var rootOperationPolicies = {
  'authorization-server-metadata-with-path': loadTextContent('root-api/operations/authorization-server-metadata-with-path.xml')
  'legacy-authorize': loadTextContent('root-api/operations/legacy-authorize.xml')
  'openid-configuration-with-path': loadTextContent('root-api/operations/openid-configuration-with-path.xml')
}

// No headers, no bodies; and of a query nothing, for it may hold codes, states and session ids.
var nothing = { headers: [], body: { bytes: 0 } }
var nothingOfTheQuery = union(nothing, { dataMasking: { queryParams: [{ mode: 'Hide', value: '*' }] } })
var message = { request: nothingOfTheQuery, response: nothing }

resource service 'Microsoft.ApiManagement/service@2024-05-01' existing = {
  name: apimName
}

// One after the other, here and below: the service refuses changes of one moment.
@batchSize(1)
resource namedValue 'Microsoft.ApiManagement/service/namedValues@2024-05-01' = [
  for entry in items(namedValues): {
    parent: service
    name: entry.key
    properties: { displayName: entry.key, value: values[entry.key], secret: false }
  }
]

@batchSize(1)
resource fragment 'Microsoft.ApiManagement/service/policyFragments@2024-05-01' = [
  for entry in items(fragments): {
    parent: service
    name: entry.key
    properties: { format: 'xml', value: entry.value }
    dependsOn: [namedValue]
  }
]

resource applicationInsights 'Microsoft.ApiManagement/service/loggers@2024-05-01' = {
  parent: service
  name: 'applicationinsights'
  properties: {
    loggerType: 'applicationInsights'
    credentials: {
      connectionString: applicationinsightsConnectionString
      identityClientId: apimIdentityClientId
    }
  }
}

resource traces 'Microsoft.ApiManagement/service/diagnostics@2024-05-01' = {
  parent: service
  name: 'applicationinsights'
  properties: {
    loggerId: applicationInsights.id
    // The servers' traces go on from the gateway's: one id from the client to the model.
    httpCorrelationProtocol: 'W3C'
    operationNameFormat: 'Name'
    verbosity: 'error'
    alwaysLog: 'allErrors'
    // The servers report every call themselves; of the gateway's view a quarter is enough, and all failures.
    sampling: { samplingType: 'fixed', percentage: 25 }
    logClientIp: false
    frontend: message
    backend: message
  }
}

resource azureMonitor 'Microsoft.ApiManagement/service/loggers@2024-05-01' = {
  parent: service
  name: 'azuremonitor'
  properties: { loggerType: 'azureMonitor', isBuffered: true }
}

// What stands in a line of ApiManagementGatewayLogs (service.bicep sends them to Log Analytics).
resource lines 'Microsoft.ApiManagement/service/diagnostics@2024-05-01' = {
  parent: service
  name: 'azuremonitor'
  properties: {
    loggerId: azureMonitor.id
    verbosity: 'information'
    alwaysLog: 'allErrors'
    sampling: { samplingType: 'fixed', percentage: 100 }
    logClientIp: true
    frontend: message
    backend: message
  }
}

resource rootApi 'Microsoft.ApiManagement/service/apis@2024-05-01' = {
  parent: service
  name: 'root-api'
  properties: {
    format: 'openapi+json'
    value: loadTextContent('root-api/openapi.json')
    path: ''
    protocols: ['https']
    serviceUrl: authserverInternalUrl
    subscriptionRequired: false
  }
  // The diagnostics first: no request may be logged that is not masked.
  dependsOn: [traces, lines]
}

resource rootPolicy 'Microsoft.ApiManagement/service/apis/policies@2024-05-01' = {
  parent: rootApi
  name: 'policy'
  properties: { format: 'xml', value: loadTextContent('root-api/policy.xml') }
  dependsOn: [fragment]
}

resource rootOperation 'Microsoft.ApiManagement/service/apis/operations@2024-05-01' existing = [
  for entry in items(rootOperationPolicies): {
    parent: rootApi
    name: entry.key
  }
]

@batchSize(1)
resource rootOperationPolicy 'Microsoft.ApiManagement/service/apis/operations/policies@2024-05-01' = [
  for (entry, index) in items(rootOperationPolicies): {
    parent: rootOperation[index]
    name: 'policy'
    properties: { format: 'xml', value: entry.value }
    dependsOn: [rootPolicy]
  }
]

resource authApi 'Microsoft.ApiManagement/service/apis@2024-05-01' = {
  parent: service
  name: 'auth-api'
  properties: {
    format: 'openapi+json'
    value: loadTextContent('auth-api/openapi.json')
    path: 'oauth'
    protocols: ['https']
    serviceUrl: authserverInternalUrl
    subscriptionRequired: false
  }
  dependsOn: [rootOperationPolicy]
}

resource authPolicy 'Microsoft.ApiManagement/service/apis/policies@2024-05-01' = {
  parent: authApi
  name: 'policy'
  properties: { format: 'xml', value: loadTextContent('auth-api/policy.xml') }
  dependsOn: [fragment]
}
