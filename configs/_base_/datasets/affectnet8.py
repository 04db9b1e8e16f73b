_base_ = 'affectnet7.py'
classes = ('neutral', 'happiness', 'sadness', 'surprise', 'fear', 'anger', 'disgust', 'contempt')
dataset = dict(classes=classes)
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = dict(dataset=dataset)
