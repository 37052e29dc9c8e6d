"""rbmqs/vmc/extensions"""
