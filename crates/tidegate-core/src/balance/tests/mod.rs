//! Tests of the rules as a whole, through the balancer.
