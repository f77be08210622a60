# Who can register and discover what. What no rule allows is denied.

# payment-service can only register itself
service "payment-service" {
  policy = "write"
  identity = "spiffe://cluster.local/ns/prod/sa/payment-service"
}

# the rest of its namespace can discover it only
service "payment-service" {
  policy = "read"
  identity = "spiffe://cluster.local/ns/prod/**"
}

# whoever watches orders has a token to discover it with, its deployment one to register stand-ins
namespace "prod" {
  service "payment-service" {
    policy = "read"
    identity = "token:orders-api"
  }
  service "payment-service" {
    policy = "write"
    identity = "token:payment-service"
  }
}

# ops team can manage all services
namespace "prod" {
  policy = "admin"
  identity = "team:ops"
}

# each of the others can register itself
service "frontend" {
  policy = "write"
  identity = "spiffe://cluster.local/ns/production/sa/frontend"
}
service "api-server" {
  policy = "write"
  identity = "spiffe://cluster.local/ns/production/sa/api-server"
}
service "users-api" {
  policy = "write"
  identity = "spiffe://cluster.local/ns/default/sa/users-api"
}
service "orders-api" {
  policy = "write"
  identity = "spiffe://cluster.local/ns/default/sa/orders-api"
}
service "delivery-api" {
  policy = "write"
  identity = "spiffe://cluster.local/ns/default/sa/delivery-api"
}
service "catalog" {
  policy = "write"
  identity = "spiffe://cluster.local/ns/production/sa/catalog"
}
service "notifications-api" {
  policy = "write"
  identity = "spiffe://cluster.local/ns/default/sa/notifications-api"
}
service "notifications-api" {
  policy = "write"
  identity = "token:notifications-api"
}

# and so can whatever else has an identity, in its own namespace
service_prefix "" {
  policy = "write"
  identity = "spiffe://cluster.local/**"
}

# Workloads can discover each other: who may call whom is said by AuthorizationPolicy.
namespace "*" {
  policy = "read"
  identity = "spiffe://cluster.local/**"
}
