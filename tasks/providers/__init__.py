"""Where clips come from: each provider is one implementation of `tasks.providers.base.ClipProvider`."""
