// The view from outside: does the gateway serve the authorization server's metadata, and is its certificate good for
// two more weeks? Used by main.bicep. The certificate of azure-api.net is Azure's to renew, that of one's own domain not.
param location string
param tags object
param name string
param applicationInsightsId string
param actionGroupId string
param gatewayUrl string

// Azure's names for its test locations.
var locations = ['us-va-ash-azr', 'emea-nl-ams-azr', 'apac-sg-sin-azr']

resource test 'Microsoft.Insights/webtests@2022-06-15' = {
  name: name
  location: location
  // This tag is how a test belongs to its Application Insights.
  tags: union(tags, { 'hidden-link:${applicationInsightsId}': 'Resource' })
  kind: 'standard'
  properties: {
    SyntheticMonitorId: name
    Name: 'gateway from outside'
    Enabled: true
    Kind: 'standard'
    Frequency: 900
    Timeout: 30
    RetryEnabled: true
    Locations: [for place in locations: { Id: place }]
    Request: {
      RequestUrl: '${gatewayUrl}/.well-known/oauth-authorization-server'
      HttpVerb: 'GET'
      ParseDependentRequests: false
    }
    ValidationRules: {
      ExpectedHttpStatusCode: 200
      SSLCheck: true
      SSLCertRemainingLifetimeCheck: 14
    }
  }
}

resource alert 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: 'gateway-from-outside'
  location: 'global'
  tags: tags
  properties: {
    description: 'The gateway does not answer, or its certificate ends within 14 days. See docs/incidents/gateway-from-outside.md.'
    severity: 0
    enabled: true
    scopes: [test.id, applicationInsightsId]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT30M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.WebtestLocationAvailabilityCriteria'
      webTestId: test.id
      componentId: applicationInsightsId
      failedLocationCount: 2
    }
    autoMitigate: true
    actions: [{ actionGroupId: actionGroupId }]
  }
}
