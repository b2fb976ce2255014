// The workbook with an operator's questions, in Application Insights. Used by main.bicep; written in
// monitoring/workbook.json.
param location string
param tags object
param applicationInsightsId string

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  // A workbook's name is a GUID; the same one each time.
  name: guid(resourceGroup().id, 'mcpstack-workbook')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'mcpstack'
    category: 'workbook'
    sourceId: toLower(applicationInsightsId)
    serializedData: loadTextContent('../../monitoring/workbook.json')
  }
}
