// Who is told when something is wrong. Used by main.bicep. What the servers, Kaito and the cluster measure is asked of
// Prometheus: monitoring/alerts.json has the rules, docs/incidents a page for each. Here besides: what only Azure can
// see, the gateway's answers and Redis' memory.
param location string
param tags object
param actionGroupName string
param operatorEmail string
param clusterName string
param clusterId string
param monitorWorkspaceId string
param logAnalyticsWorkspaceId string
param redisIds string[]

var ruleGroups = loadJsonContent('../../monitoring/alerts.json').groups

resource operators 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: actionGroupName
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'mcpstack'
    emailReceivers: [{ name: 'operators', emailAddress: operatorEmail, useCommonAlertSchema: true }]
  }
}

resource prometheusRules 'Microsoft.AlertsManagement/prometheusRuleGroups@2023-03-01' = [
  for group in ruleGroups: {
    name: group.name
    location: location
    tags: tags
    properties: {
      enabled: true
      clusterName: clusterName
      scopes: [monitorWorkspaceId, clusterId]
      interval: group.interval
      rules: map(group.rules, rule => union(rule, {
        enabled: true
        actions: [{ actionGroupId: operators.id }]
        resolveConfiguration: { autoResolved: true, timeToResolve: 'PT10M' }
      }))
    }
  }
]

// The gateway answers for servers that cannot: their own metrics do not show it.
resource gatewayErrors 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = {
  name: 'gateway-errors'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'The gateway answers 5xx'
    description: 'More than 5 % of at least 20 requests in 5 minutes. See docs/incidents/gateway-errors.md.'
    severity: 1
    enabled: true
    scopes: [logAnalyticsWorkspaceId]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT5M'
    // The table comes with the gateway's first request.
    skipQueryValidation: true
    criteria: {
      allOf: [
        {
          query: 'ApiManagementGatewayLogs | summarize total = count(), failed = countif(ResponseCode >= 500) | where total >= 20 and failed > 0.05 * total'
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
          failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
        }
      ]
    }
    autoMitigate: true
    actions: { actionGroups: [operators.id] }
  }
}

// Redis does not evict: once it is full, nobody signs in any more.
resource redisMemory 'Microsoft.Insights/metricAlerts@2018-03-01' = [
  for id in redisIds: {
    name: 'redis-memory-${last(split(id, '/'))}'
    location: 'global'
    tags: tags
    properties: {
      description: 'Redis has used more than 80 % of its memory. See docs/incidents/redis-memory.md.'
      severity: 1
      enabled: true
      scopes: [id]
      evaluationFrequency: 'PT5M'
      windowSize: 'PT15M'
      criteria: {
        'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
        allOf: [
          {
            name: 'used'
            criterionType: 'StaticThresholdCriterion'
            metricNamespace: 'Microsoft.Cache/redisEnterprise'
            metricName: 'usedmemorypercentage'
            timeAggregation: 'Maximum'
            operator: 'GreaterThan'
            threshold: 80
          }
        ]
      }
      autoMitigate: true
      actions: [{ actionGroupId: operators.id }]
    }
  }
]

output actionGroupId string = operators.id
