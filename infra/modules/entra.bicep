// The two application registrations at Entra ID, so that nobody clicks in a portal. Used by main.bicep.
// - The login application: people sign in to it. It proves itself with authserver's service account, not with a secret.
// - The API application: other organizations' programs ask Entra for its tokens and exchange them (docs/api-consumers.md).
// What the server reads of the tokens stands in authserver/upstream/id_token.py and api_token.py.
extension microsoftGraphV1

param environmentName string
param organizationName string
@description('The gateway\'s root, which is the issuer: no slash at the end.')
param gatewayUrl string
param oidcIssuer string
param deployerId string
param deployerType string

// Ids of roles and scopes must stay the same for ever: they are derived from fixed words.
var administratorRole = guid('mcpstack', 'login', 'mcp.admin')
var signInName = 'mcpstack-${environmentName}-login'
var apiName = 'mcpstack-${environmentName}-api'

// Nobody who administers another tenant can add a credential to our application there and be us.
var locked = { isEnabled: true, allProperties: true }

// Microsoft Graph's own ids, the same in every tenant.
var graphAppId = '00000003-0000-0000-c000-000000000000'
var graphScopes = {
  openid: '37f7f235-527c-4136-accd-4a02d197296e'
  profile: '14dad69e-099b-42c9-810b-d002981feec1'
  // To ask again, when a session is refreshed, whether the person is still there.
  offlineAccess: '7427e0e9-2fba-42fe-b0c0-848c9e6a8182'
  // The person's own groups, for AUTHSERVER_GROUP_OVERAGE=graph.
  userRead: 'e1fe6dd8-ba31-4d61-89e7-88639da4683d'
}

resource login 'Microsoft.Graph/applications@v1.0' = {
  uniqueName: signInName
  displayName: '${organizationName} sign-in (${environmentName})'
  signInAudience: 'AzureADMultipleOrgs'
  servicePrincipalLockConfiguration: locked
  web: {
    redirectUris: [
      '${gatewayUrl}/oauth/callback'
      // Where Entra sends a browser after a sign-out; it must be registered like the other.
      '${gatewayUrl}/oauth/account/signed-out'
    ]
    implicitGrantSettings: { enableAccessTokenIssuance: false, enableIdTokenIssuance: false }
  }
  appRoles: [
    {
      id: administratorRole
      value: 'mcp.admin'
      displayName: 'Administrator'
      description: 'Administers the authorization server. Counts only in the home tenant.'
      allowedMemberTypes: ['User']
      isEnabled: true
    }
    {
      id: guid('mcpstack', 'login', 'Snippets.Writer')
      value: 'Snippets.Writer'
      displayName: 'Snippet writer'
      description: 'May save snippets, where the tenant\'s entry says so.'
      allowedMemberTypes: ['User']
      isEnabled: true
    }
  ]
  // A tenant's entry may map groups to scopes.
  groupMembershipClaims: 'SecurityGroup'
  // When the person signed in, which the administration pages ask for.
  optionalClaims: { idToken: [{ name: 'auth_time', essential: true }] }
  requiredResourceAccess: [
    {
      resourceAppId: graphAppId
      resourceAccess: [
        { id: graphScopes.openid, type: 'Scope' }
        { id: graphScopes.profile, type: 'Scope' }
        { id: graphScopes.offlineAccess, type: 'Scope' }
        { id: graphScopes.userRead, type: 'Scope' }
      ]
    }
  ]

  resource pods 'federatedIdentityCredentials@v1.0' = {
    name: '${signInName}/pods'
    description: 'authserver\'s pods, in place of a client secret'
    issuer: oidcIssuer
    subject: 'system:serviceaccount:mcpstack:authserver'
    audiences: ['api://AzureADTokenExchange']
  }
}

resource loginPrincipal 'Microsoft.Graph/servicePrincipals@v1.0' = {
  appId: login.appId
  // Who may sign in is decided by the tenants' entries.
  appRoleAssignmentRequired: false
}

// Whoever deploys is the first administrator; a service principal cannot sign in to a page.
resource firstAdministrator 'Microsoft.Graph/appRoleAssignedTo@v1.0' = if (deployerType == 'User') {
  appRoleId: administratorRole
  principalId: deployerId
  resourceId: loginPrincipal.id
}

resource api 'Microsoft.Graph/applications@v1.0' = {
  uniqueName: apiName
  displayName: '${organizationName} API (${environmentName})'
  signInAudience: 'AzureADMultipleOrgs'
  servicePrincipalLockConfiguration: locked
  // With the tenant's id in it, as Entra demands of a URI that is not the application's own id.
  identifierUris: ['api://${tenant().tenantId}/${apiName}']
  api: {
    requestedAccessTokenVersion: 2
    oauth2PermissionScopes: [
      {
        id: guid('mcpstack', 'api', 'access_as_user')
        value: 'access_as_user'
        type: 'User'
        adminConsentDisplayName: 'Use the MCP server for a person'
        adminConsentDescription: 'Lets the program use the MCP server for the person who is signed in, within their rights.'
        userConsentDisplayName: 'Use the MCP server for you'
        userConsentDescription: 'Lets the program use the MCP server for you, within your rights.'
        isEnabled: true
      }
    ]
  }
  appRoles: [
    {
      id: guid('mcpstack', 'api', 'Snippets.Read.All')
      value: 'Snippets.Read.All'
      displayName: 'Read snippets'
      description: 'Lets the program read its own and shared snippets.'
      allowedMemberTypes: ['Application']
      isEnabled: true
    }
    {
      id: guid('mcpstack', 'api', 'Snippets.Write.All')
      value: 'Snippets.Write.All'
      displayName: 'Read and write snippets'
      description: 'Lets the program read and write its own and shared snippets.'
      allowedMemberTypes: ['Application']
      isEnabled: true
    }
  ]
  groupMembershipClaims: 'SecurityGroup'
  // Without it Entra does not say that a token is a program's, and such tokens are refused.
  optionalClaims: { accessToken: [{ name: 'idtyp', essential: true }] }
}

resource apiPrincipal 'Microsoft.Graph/servicePrincipals@v1.0' = {
  appId: api.appId
  appRoleAssignmentRequired: false
}

output loginClientId string = login.appId
output apiClientId string = api.appId
