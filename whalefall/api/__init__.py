"""What every endpoint shares: the envelope, errors, paging, roles. A leaf: knows none of the apps."""
