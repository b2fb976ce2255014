// The virtual network: system and GPU subnets as drawn, one for the gateway, one for private endpoints, and what each
// lets in. Used by main.bicep. A rule that is not here is a refusal: each group ends by denying what Azure would allow
// between the subnets of one network.
param location string
param tags object
param name string
@description('Names of the security groups begin with this.')
param securityGroupPrefix string
@allowed(['StandardV2', 'Developer', 'Premium'])
param gatewayTier string

var nodePrefixes = ['10.240.0.0/16', '10.241.0.0/16']
var systemPrefix = nodePrefixes[0]
var gpuPrefix = nodePrefixes[1]
var gatewayPrefix = '10.242.0.0/24'
// Each server's private endpoints apart, so that a NetworkPolicy can tell them apart (k8s/overlays/azure/network.yaml).
var authserverEndpoints = '10.242.1.0/26'
var mcpserverEndpoints = '10.242.1.64/26'
// Azure CNI Overlay: pods have addresses outside the network, but security groups see them between nodes.
var podPrefix = '10.244.0.0/16'
// The two internal load balancers; the last addresses of the system subnet, far from where Azure hands out nodes'.
var authserver = '10.240.255.10'
var mcpserver = '10.240.255.11'

var groupId = resourceGroup().id

// Classic tiers live in the subnet and are managed through it; Standard v2 only sends from it.
var isInjected = gatewayTier != 'StandardV2'

var denyTheRest = {
  name: 'deny-the-rest'
  properties: {
    description: 'Also what Azure allows within a virtual network by default.'
    priority: 4096
    direction: 'Inbound'
    access: 'Deny'
    protocol: '*'
    sourceAddressPrefix: '*'
    sourcePortRange: '*'
    destinationAddressPrefix: '*'
    destinationPortRange: '*'
  }
}
var allowProbes = {
  name: 'allow-load-balancer-probes'
  properties: {
    description: 'Health probes of the load balancers.'
    priority: 200
    direction: 'Inbound'
    access: 'Allow'
    protocol: '*'
    sourceAddressPrefix: 'AzureLoadBalancer'
    sourcePortRange: '*'
    destinationAddressPrefix: '*'
    destinationPortRange: '*'
  }
}
var allowCluster = {
  name: 'allow-nodes-and-pods'
  properties: {
    description: 'AKS needs nodes and pods to reach each other; NetworkPolicies say which pods may.'
    priority: 100
    direction: 'Inbound'
    access: 'Allow'
    protocol: '*'
    sourceAddressPrefixes: concat(nodePrefixes, [podPrefix])
    sourcePortRange: '*'
    destinationAddressPrefixes: concat(nodePrefixes, [podPrefix])
    destinationPortRange: '*'
  }
}

resource systemSecurity 'Microsoft.Network/networkSecurityGroups@2025-07-01' = {
  name: '${securityGroupPrefix}-system'
  location: location
  tags: tags
  properties: {
    securityRules: [
      allowCluster
      {
        name: 'allow-gateway'
        properties: {
          // AKS leaves the load balancer's address in the packet (floating IP), so that is what is seen here.
          description: 'The gateway, to the two servers and nothing else.'
          priority: 110
          direction: 'Inbound'
          access: 'Allow'
          protocol: 'Tcp'
          sourceAddressPrefix: gatewayPrefix
          sourcePortRange: '*'
          destinationAddressPrefixes: [authserver, mcpserver]
          destinationPortRange: '80'
        }
      }
      allowProbes
      denyTheRest
    ]
  }
}

resource gpuSecurity 'Microsoft.Network/networkSecurityGroups@2025-07-01' = {
  name: '${securityGroupPrefix}-gpu'
  location: location
  tags: tags
  properties: {
    securityRules: [allowCluster, allowProbes, denyTheRest]
  }
}

resource endpointSecurity 'Microsoft.Network/networkSecurityGroups@2025-07-01' = {
  name: '${securityGroupPrefix}-endpoints'
  location: location
  tags: tags
  properties: {
    securityRules: [
      {
        name: 'allow-system-nodes'
        properties: {
          description: 'Blob Storage and Redis, from the servers\' nodes: pods leave the cluster with their node\'s address.'
          priority: 100
          direction: 'Inbound'
          access: 'Allow'
          protocol: 'Tcp'
          sourceAddressPrefix: systemPrefix
          sourcePortRange: '*'
          destinationAddressPrefixes: [authserverEndpoints, mcpserverEndpoints]
          destinationPortRanges: ['443', '10000']
        }
      }
      denyTheRest
    ]
  }
}

var injectedRules = [
  {
    name: 'allow-clients'
    properties: {
      description: 'The public gateway.'
      priority: 100
      direction: 'Inbound'
      access: 'Allow'
      protocol: 'Tcp'
      sourceAddressPrefix: 'Internet'
      sourcePortRange: '*'
      destinationAddressPrefix: gatewayPrefix
      destinationPortRange: '443'
    }
  }
  {
    name: 'allow-management'
    properties: {
      description: 'Azure\'s control plane of API Management; without it the service reports itself unhealthy.'
      priority: 110
      direction: 'Inbound'
      access: 'Allow'
      protocol: 'Tcp'
      sourceAddressPrefix: 'ApiManagement'
      sourcePortRange: '*'
      destinationAddressPrefix: gatewayPrefix
      destinationPortRange: '3443'
    }
  }
  {
    name: 'allow-infrastructure-load-balancer'
    properties: {
      description: 'Azure\'s load balancer in front of the units.'
      priority: 120
      direction: 'Inbound'
      access: 'Allow'
      protocol: 'Tcp'
      sourceAddressPrefix: 'AzureLoadBalancer'
      sourcePortRange: '*'
      destinationAddressPrefix: gatewayPrefix
      destinationPortRange: '6390'
    }
  }
]

resource gatewaySecurity 'Microsoft.Network/networkSecurityGroups@2025-07-01' = {
  name: '${securityGroupPrefix}-gateway'
  location: location
  tags: tags
  properties: {
    securityRules: concat(isInjected ? injectedRules : [], [denyTheRest])
  }
}

// Subnets stand inside the network, not beside it: as resources of their own they would be removed for a moment each
// time the network is deployed again.
resource network 'Microsoft.Network/virtualNetworks@2025-07-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: ['10.240.0.0/15', '10.242.0.0/16'] }
    subnets: [
      {
        name: 'system'
        properties: {
          addressPrefix: systemPrefix
          defaultOutboundAccess: false
          networkSecurityGroup: { id: systemSecurity.id }
        }
      }
      {
        name: 'gpu'
        properties: {
          addressPrefix: gpuPrefix
          defaultOutboundAccess: false
          networkSecurityGroup: { id: gpuSecurity.id }
        }
      }
      {
        name: 'gateway'
        properties: {
          addressPrefix: gatewayPrefix
          // A subnet that Azure runs a service of its own in may not be closed to the internet.
          defaultOutboundAccess: true
          // Standard v2 wants its subnet delegated, the classic tiers refuse one that is.
          delegations: isInjected
            ? []
            : [{ name: 'gateway', properties: { serviceName: 'Microsoft.Web/serverFarms' } }]
          networkSecurityGroup: { id: gatewaySecurity.id }
        }
      }
      {
        name: 'authserver-endpoints'
        properties: {
          addressPrefix: authserverEndpoints
          defaultOutboundAccess: false
          networkSecurityGroup: { id: endpointSecurity.id }
          // Without this the security group does not hold for private endpoints.
          privateEndpointNetworkPolicies: 'NetworkSecurityGroupEnabled'
        }
      }
      {
        name: 'mcpserver-endpoints'
        properties: {
          addressPrefix: mcpserverEndpoints
          defaultOutboundAccess: false
          networkSecurityGroup: { id: endpointSecurity.id }
          privateEndpointNetworkPolicies: 'NetworkSecurityGroupEnabled'
        }
      }
    ]
  }
}

// To put a machine into a subnet, and not to change the subnet, which Network Contributor could.
resource joinSubnet 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(groupId, 'join subnet')
  properties: {
    // Unique in the tenant.
    roleName: 'Join a subnet (${resourceGroup().name})'
    description: 'mcpstack: put machines and load balancers into a subnet'
    type: 'CustomRole'
    assignableScopes: [groupId]
    permissions: [
      {
        actions: [
          'Microsoft.Network/virtualNetworks/subnets/read'
          'Microsoft.Network/virtualNetworks/subnets/join/action'
        ]
      }
    ]
  }
}

output networkId string = network.id
output networkName string = network.name
output systemSubnetName string = network.properties.subnets[0].name
output systemSubnetId string = network.properties.subnets[0].id
output gpuSubnetName string = network.properties.subnets[1].name
output gpuSubnetId string = network.properties.subnets[1].id
output gatewaySubnetId string = network.properties.subnets[2].id
output gatewaySubnetPrefix string = gatewayPrefix
output authserverEndpointSubnetId string = network.properties.subnets[3].id
output mcpserverEndpointSubnetId string = network.properties.subnets[4].id
output joinSubnetRoleId string = joinSubnet.id
output authserverAddress string = authserver
output mcpserverAddress string = mcpserver
