def deploy(firm):
    return [[context] for context in firm.contexts]
