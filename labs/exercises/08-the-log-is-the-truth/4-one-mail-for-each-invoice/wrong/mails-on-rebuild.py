async def answer(log, view, sender, mail, rebuild):
    if rebuild:
        view.update(position=0, open={})
    for event in log[view["position"] :]:
        if event.type == "InvoiceIssued":
            view["open"][event.data["invoice"]] = event.data["cents"]
            await mail(event.id, event.data)
        else:
            del view["open"][event.data["invoice"]]
        view["position"] = event.position
