def deployables(firm):
    return [[context] for context in firm.contexts]
