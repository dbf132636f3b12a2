"""The control tower: the web application of analysts, the crisis desk and operators.

Here live the pages, their questions to the index, the live stream to browsers, and who may see and
do what. Never here: a model, a detector, a consumer group, or anything that the stream needs to
work; and no script that is not ours.
"""
