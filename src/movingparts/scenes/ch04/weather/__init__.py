"""The weather service in two languages, and the contract that both keep."""
